//! The counter of one window, to which Memcached adds by itself.

use std::time::Duration;

use crate::error::Error;
use crate::store::cas::slack;
use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::reply::Status;
use crate::store::memcached::meta_protocol::request::{Lifetime, Request};
use crate::store::memcached::operation::Operation;
use crate::store::memcached::tagged::{LARGEST_BLIND, SATURATED, Tagged, difference};
use crate::store::memcached::ttl::at_least;

/// The greatest difference between the clocks of processes that share a window, up to which none
/// finds the count gone while the window is open.
const MARGIN: Duration = Duration::from_secs(10);

/// The counter of one window, whose length is the period of a rate.
pub(crate) struct Counter {
    pub(crate) period: u64,
    /// The first microsecond of the window.
    pub(crate) start: u64,
    pub(crate) key: String,
}

/// An addition to a counter.
#[derive(Clone, Copy)]
pub(crate) struct Added {
    /// The number with the cost in it.
    pub(crate) after: Tagged,
    /// `true` if the cost is in the counter: a cost that could never fit is not added.
    pub(crate) is_counted: bool,
}

/// The treatment of a cost that does not fit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    /// A hit that does not fit is not admitted.
    Refused,
    /// A charge saturates.
    Dropped,
}

impl Counter {
    /// Returns the counter of a name for the window around a moment.
    pub(crate) fn new(name: &str, period: u64, now: u64) -> Self {
        Self {
            period,
            start: now - now % period,
            // No part of a name contains an `@`.
            key: format!("{name}@{period}.{}", now / period),
        }
    }

    /// Adds a cost. A new counter lives for this many seconds.
    pub(crate) async fn add(
        &self,
        operation: &Operation<'_>,
        cost: u64,
        seconds: u64,
        excess: Excess,
    ) -> Result<Added, Error> {
        if cost > LARGEST_BLIND {
            self.add_large(operation, cost, seconds, excess).await
        } else {
            Ok(self.add_blindly(operation, cost, seconds).await?)
        }
    }

    /// Adds the cost without reading the count first.
    async fn add_blindly(
        &self,
        operation: &Operation<'_>,
        cost: u64,
        seconds: u64,
    ) -> Result<Added, Failed> {
        let key = &self.key;
        let add = Request::add_to(key, difference(cost))
            .or_new(Tagged::new(cost).number(), seconds)
            .with_cas();
        let reply = match operation.send(add.clone()).await {
            Err(Failed::Refused(_)) => {
                // The value is not a number, so the counter is created again.
                operation.send(Request::delete(key)).await?;
                operation.send(add).await?
            }
            reply => reply?,
        };
        let after = Tagged::read(&reply).filter(|_| reply.status == Status::Done);
        let mut after = after.ok_or(Failed::Protocol)?;
        // A count below the cost has overflowed.
        if after.count < cost || after.count > SATURATED {
            let request = match after.count.checked_sub(SATURATED) {
                Some(excess) => Request::subtract_from(key, difference(excess)),
                None => Request::add_to(key, difference(SATURATED - after.count)),
            };
            // If it has changed meanwhile, the next addition does that.
            operation.send(request.only_if(reply.cas)).await?;
            after.count = SATURATED;
        }
        Ok(Added {
            after,
            is_counted: true,
        })
    }

    /// Adds a cost of which a few could overflow a counter, to a count that was read.
    async fn add_large(
        &self,
        operation: &Operation<'_>,
        cost: u64,
        seconds: u64,
        excess: Excess,
    ) -> Result<Added, Error> {
        let key = &self.key;
        let mut retries = operation.retries(key);
        loop {
            let present = operation.send(Request::get(key)).await?;
            let before = Tagged::read(&present);
            let count = before.map_or(0, |before| before.count);
            let room = SATURATED.saturating_sub(count);
            let more = match excess {
                Excess::Refused if cost > room => 0,
                Excess::Refused => cost,
                Excess::Dropped => cost.min(room),
            };
            let new = Tagged::new(more);
            let number = new.number().to_string();
            let lifetime = Lifetime { seconds, flags: 0 };
            let request = match (before, present.status) {
                (Some(_), _) => Request::add_to(key, difference(more)).only_if(present.cas),
                (None, Status::Done) => {
                    Request::set(key, number.as_bytes(), lifetime).only_if(present.cas)
                }
                (None, _) => Request::set(key, number.as_bytes(), lifetime).only_new(),
            };
            let is_done = more == 0 || operation.send(request).await?.status == Status::Done;
            if is_done {
                let tag = before.unwrap_or(new).tag;
                let count = count.saturating_add(cost);
                return Ok(Added {
                    after: Tagged { count, tag },
                    is_counted: more > 0,
                });
            }
            retries.again().await?;
        }
    }

    /// Subtracts a cost from the counter with this tag.
    pub(crate) async fn subtract(
        &self,
        operation: &Operation<'_>,
        cost: u64,
        tag: u64,
    ) -> Result<(), Failed> {
        let (key, by) = (&self.key, difference(cost));
        let reply = operation.send(Request::subtract_from(key, by)).await?;
        if Tagged::read(&reply).is_some_and(|present| present.tag != tag) {
            // Another counter was just created, which never contained the cost.
            operation.send(Request::add_to(key, by)).await?;
        }
        Ok(())
    }

    /// Returns the seconds for which the counter must live from now on.
    pub(crate) fn seconds(&self, now: u64, at: Option<u64>) -> u64 {
        let left = Duration::from_micros(self.end().saturating_sub(now));
        at_least(left + MARGIN + slack(at))
    }

    /// Returns the first microsecond after the window.
    pub(crate) const fn end(&self) -> u64 {
        self.start.saturating_add(self.period)
    }
}
