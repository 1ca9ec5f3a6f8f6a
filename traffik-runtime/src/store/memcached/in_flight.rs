//! The exchanges that were written to a connection, until their replies are read in this order.

use std::collections::VecDeque;
use std::ops::Range;

use tokio::time::Instant;

use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::reply::{Replies, Reply};
use crate::store::memcached::meta_protocol::request::Opaque;
use crate::store::memcached::request_queue::AnswerSender;

/// Exchanges without an answer, the first one first.
#[derive(Default)]
pub(crate) struct InFlight(VecDeque<SentExchange>);

/// An exchange, or a probe that nobody awaits.
struct SentExchange {
    /// The numbers of the requests without a reply; a probe has none.
    opaques: Range<u64>,
    replies: Replies,
    /// `None` once the caller has its answer, which may be an error before the last reply.
    answer: Option<AnswerSender>,
    /// The position of the first byte among all bytes for this connection.
    position: u64,
    at: Instant,
}

impl InFlight {
    /// Appends an exchange whose first byte is at this position.
    pub(crate) fn push(
        &mut self,
        opaques: Range<u64>,
        answer: AnswerSender,
        position: u64,
        at: Instant,
    ) {
        self.0.push_back(SentExchange {
            opaques,
            replies: Replies::new(),
            answer: Some(answer),
            position,
            at,
        });
    }

    /// Appends a probe, whose answer is a line of its own.
    pub(crate) fn push_probe(&mut self, position: u64, at: Instant) {
        self.0.push_back(SentExchange {
            opaques: 0..0,
            replies: Replies::new(),
            answer: None,
            position,
            at,
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the moment at which the first exchange was written.
    pub(crate) fn first_sent(&self) -> Option<Instant> {
        self.0.front().map(|first| first.at)
    }

    /// Adds a reply to the first exchange. Returns `true` if its caller now has the answer.
    ///
    /// # Errors
    ///
    /// The reply belongs to another request, or to none.
    pub(crate) fn reply(&mut self, opaque: Option<Opaque>, reply: Reply) -> Result<bool, Failed> {
        let first = self.0.front_mut().ok_or(Failed::Protocol)?;
        if first.opaques.next().map(Opaque) != opaque || opaque.is_none() {
            return Err(Failed::Protocol);
        }
        first.replies.push(reply);
        if !first.opaques.is_empty() {
            return Ok(false);
        }
        let done = self.0.pop_front();
        let Some((answer, replies)) = done.and_then(|done| Some((done.answer?, done.replies)))
        else {
            return Ok(false);
        };
        Ok(answer.send(Ok(replies)).is_ok())
    }

    /// Removes the probe that is first.
    ///
    /// # Errors
    ///
    /// The first is an exchange, or there is none.
    pub(crate) fn probed(&mut self) -> Result<(), Failed> {
        if !self.is_probe() {
            return Err(Failed::Protocol);
        }
        self.0.pop_front();
        Ok(())
    }

    /// Returns `true` if a probe is first.
    pub(crate) fn is_probe(&self) -> bool {
        self.0.front().is_some_and(|first| first.opaques.is_empty())
    }

    /// Answers the caller of the first exchange with an error, which is the reply to one of its
    /// requests. Replies to the others are read and dropped.
    ///
    /// # Errors
    ///
    /// There is no exchange.
    pub(crate) fn refuse(&mut self, failed: Failed) -> Result<(), Failed> {
        let first = self.0.front_mut().ok_or(Failed::Protocol)?;
        if let Some(answer) = first.answer.take() {
            let _ = answer.send(Err(failed));
        }
        first.opaques.next();
        if first.opaques.is_empty() {
            self.0.pop_front();
        }
        Ok(())
    }

    /// Ends every exchange, because the connection failed after this many bytes were written.
    pub(crate) fn fail(&mut self, failed: &Failed, written: u64) {
        for exchange in self.0.drain(..) {
            let failed = if exchange.position < written {
                failed.clone()
            } else {
                failed.clone().before_anything_was_sent()
            };
            if let Some(answer) = exchange.answer {
                let _ = answer.send(Err(failed));
            }
        }
    }
}
