//! The time that a store's clock may show, judged from its last reply.

use std::sync::LazyLock;
use std::time::Instant;

use crate::clock::Clock;
use crate::clock::reading::Reading;
use crate::clock::system::SystemClock;
#[cfg(feature = "test-util")]
use crate::simulation;
use crate::store::lifetime::micros;

/// The clock at whose time a store decides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StoreClock<'c> {
    /// A clock of this process: the time is known.
    Caller(Option<&'c dyn Clock>),
    /// The server's: the time is judged from replies.
    Server,
}

/// A request that was sent to a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// The ticket of the table of states: a state that was forgotten after this ticket was issued
    /// is not remembered by it.
    pub(crate) ticket: u64,
    /// The number of changes to throttles before it.
    pub(crate) changes: u64,
    /// The time by the caller's clock, or else by this process's, when it was sent.
    pub(crate) at: u64,
}

/// The time of a store's decision, and its place in the time of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplyTime {
    /// The time of the decision by the store's clock.
    pub(crate) decided: u64,
    /// A time of this process before the decision.
    sent: u64,
    /// A time of this process after the decision.
    received: u64,
}

/// The use that can be made of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usability {
    /// None: it is too old.
    None,
    /// It is about to be too old, so one caller renews it while the others use it.
    Due,
    Full,
}

impl<'c> StoreClock<'c> {
    /// Returns the clock of a store that is called with this clock, or with none.
    pub(crate) const fn of(clock: Option<&'c dyn Clock>, has_server_time: bool) -> Self {
        match clock {
            None if has_server_time => Self::Server,
            clock => Self::Caller(clock),
        }
    }

    /// Returns the present time of the clock, or of this process's steady clock in place of a
    /// server's.
    pub(crate) fn now(self) -> u64 {
        match self {
            Self::Caller(Some(clock)) => Reading::now_of(clock),
            Self::Caller(None) => SystemClock::new().now_micros(),
            Self::Server => steady_micros(),
        }
    }

    /// Returns the place in time of a reply that has just come.
    pub(crate) fn reply(self, decided: u64, sent: &Sent) -> ReplyTime {
        let (sent, received) = match self {
            Self::Caller(_) => (decided, decided),
            Self::Server => (sent.at, steady_micros()),
        };
        ReplyTime {
            decided,
            sent,
            received,
        }
    }

    /// Returns the latest time that the store's clock may show.
    pub(crate) fn latest(self, reply: &ReplyTime, now: u64) -> u64 {
        let elapsed = now.saturating_sub(reply.sent);
        let inaccuracy = match self {
            Self::Caller(_) => 0,
            // Clocks are corrected by less than a thousandth, and microseconds are rounded down.
            Self::Server => elapsed / 1_000 + 2,
        };
        reply
            .decided
            .saturating_add(elapsed)
            .saturating_add(inaccuracy)
    }
}

impl ReplyTime {
    /// Returns the earliest time that the store's clock may show.
    pub(crate) const fn earliest(&self, now: u64) -> u64 {
        self.decided
            .saturating_add(now.saturating_sub(self.received))
    }

    /// Returns the use that can be made of the reply while it is younger than this time. After a
    /// clock was set back it is too old.
    pub(crate) const fn usability(&self, life: u64, now: u64) -> Usability {
        if now < self.received || now - self.sent >= life {
            return Usability::None;
        }
        if now - self.sent >= life - life / 16 {
            Usability::Due
        } else {
            Usability::Full
        }
    }
}

/// Returns the time since the first call, in microseconds, by a clock that is never set.
fn steady_micros() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    #[cfg(feature = "test-util")]
    if let Some(time) = simulation::steady_micros() {
        return time;
    }
    micros(START.elapsed())
}

#[cfg(test)]
mod tests {
    use super::{ReplyTime, StoreClock, Usability};

    #[test]
    fn bounds_the_time_of_a_server_by_the_times_around_its_reply() {
        let reply = ReplyTime {
            decided: 1_000_000,
            sent: 500,
            received: 900,
        };
        assert_eq!(reply.earliest(900), 1_000_000);
        assert_eq!(reply.earliest(10_900), 1_010_000);
        assert_eq!(StoreClock::Server.latest(&reply, 900), 1_000_402);
        assert_eq!(StoreClock::Server.latest(&reply, 10_500), 1_010_012);
    }

    #[test]
    fn knows_the_time_of_a_caller() {
        let reply = ReplyTime {
            decided: 1_000,
            sent: 1_000,
            received: 1_000,
        };
        assert_eq!(reply.earliest(9_000), 9_000);
        assert_eq!(StoreClock::Caller(None).latest(&reply, 9_000), 9_000);
    }

    #[test]
    fn ends_a_life_by_age_and_by_a_clock_that_was_set_back() {
        let reply = ReplyTime {
            decided: 0,
            sent: 100,
            received: 150,
        };
        for (now, usability) in [
            (149, Usability::None),
            (150, Usability::Full),
            (1_037, Usability::Full),
            (1_038, Usability::Due),
            (1_099, Usability::Due),
            (1_100, Usability::None),
        ] {
            assert_eq!(reply.usability(1_000, now), usability, "{now}");
        }
    }
}
