//! The simulated network: connections whose messages are late, cut off or lost.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;

use super::stream::Pipe;
use super::weather::Weather;
use crate::chance::Chance;

/// A connection of a process to the server.
pub(super) struct Link {
    pub(super) process: usize,
    pub(super) pipe: Arc<Pipe>,
    /// Messages under way, in their order.
    pub(super) to_server: VecDeque<Vec<u8>>,
    pub(super) to_client: VecDeque<Vec<u8>>,
    /// The bytes of commands that have not arrived as a whole.
    pub(super) buffer: Vec<u8>,
    /// The time at which the last message in each direction arrives.
    latest: [u64; 2],
    /// The time before which nothing arrives.
    pub(super) stalled_until: u64,
    pub(super) is_broken: bool,
    /// Set if requests are lost, and nobody notices.
    pub(super) loses_requests: bool,
    /// Set if replies are lost, and nobody notices.
    pub(super) loses_replies: bool,
}

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToServer,
    ToClient,
}

impl Link {
    pub(super) const fn new(process: usize, pipe: Arc<Pipe>) -> Self {
        Self {
            process,
            pipe,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            buffer: Vec::new(),
            latest: [0; 2],
            stalled_until: 0,
            is_broken: false,
            loses_requests: false,
            loses_replies: false,
        }
    }

    /// Sends a message, and returns the time at which it arrives. Messages do not overtake each
    /// other on one connection.
    pub(super) fn send(
        &mut self,
        direction: Direction,
        message: Vec<u8>,
        now: u64,
        weather: &Weather,
        chance: &mut Chance,
    ) -> u64 {
        let (least, more) = weather.latency;
        let mut takes = least + chance.below(more + 1);
        if chance.per_mille(weather.stragglers) {
            takes += chance.below(700_000);
        }
        let latest = &mut self.latest[usize::from(direction == Direction::ToClient)];
        *latest = (now + takes).max(*latest);
        let arrives = *latest;
        match direction {
            Direction::ToServer => self.to_server.push_back(message),
            Direction::ToClient => self.to_client.push_back(message),
        }
        arrives
    }

    /// Breaks the connection. A part of the next reply may still arrive, and the requests under
    /// way reach the server or are lost.
    pub(super) fn cut(&mut self, chance: &mut Chance, error: ErrorKind) {
        if let Some(reply) = self.to_client.pop_front() {
            let part = chance.below(reply.len() as u64) as usize;
            self.pipe.deliver(&reply[..part]);
        }
        self.to_client.clear();
        if chance.per_mille(500) {
            self.to_server.clear();
        }
        self.is_broken = true;
        self.pipe.cut(error);
    }
}
