//! The queue of events: by time, and by their order within one moment.

use std::cmp::Ordering;
use std::task::Waker;

use super::network::Direction;

/// An event of the simulated world.
#[derive(Debug)]
pub(super) enum Event {
    /// A message arrives at the end of a connection.
    Message(usize, Direction),
    /// A task of a process wakes.
    Wake(usize, Waker),
    /// A process runs, so that its timers fire.
    Tick(usize),
    /// A process starts.
    Start(usize),
    /// Something goes wrong.
    Fault,
    /// Tasks end, and nothing goes wrong any more.
    End,
}

/// An event and its time.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub(super) at: u64,
    pub(super) number: u64,
    pub(super) event: Event,
}

impl Ord for Scheduled {
    /// Compares so that the earliest event is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scheduled {}
