//! Judges a connection by the answers that were read from it.
//!
//! All clients share a connection, so one client must not be able to condemn it: an operation that
//! its caller drops is no evidence. A connection stalls if no answer at all is read from it for the
//! whole time of an operation. All operations that wait during one stall count as one event. After
//! several stalls in a row the connection is retired.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;

/// The number of stalls in a row after which a connection is retired. One or two may be a server
/// that is busy with a slow command. If a third is that too, its only cost is a new connection.
pub(crate) const STALLS: u32 = 3;

/// The evidence about one connection.
#[derive(Default)]
pub(crate) struct Health {
    /// The number of answers that were read, errors included.
    answers: AtomicU64,
    /// Set by every operation, cleared by the task that watches over the connection.
    used: AtomicBool,
    stalls: Mutex<Stalls>,
}

/// Stalls without an answer between them.
#[derive(Default)]
struct Stalls {
    count: u32,
    /// The number of answers before the first of them.
    answers: u64,
    /// The end of the last stall. An operation that was sent before it waited during that stall.
    end: Option<Instant>,
}

/// The moment at which an operation was sent.
pub(crate) struct Sent {
    at: Instant,
    /// The number of answers until then.
    answers: u64,
}

impl Health {
    /// Records that an operation is sent now.
    pub(crate) fn send(&self) -> Sent {
        self.used.store(true, Ordering::Relaxed);
        self.send_ping()
    }

    /// Records that a PING is sent now, which does not count as use.
    pub(crate) fn send_ping(&self) -> Sent {
        Sent {
            at: Instant::now(),
            answers: self.answers(),
        }
    }

    /// Returns the number of answers so far.
    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Returns `true` if the connection was used since the last call.
    pub(crate) fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// Records an answer.
    pub(crate) fn answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that an operation got no answer in its time. Returns `true` if the connection must
    /// be retired.
    pub(crate) fn time_out(&self, sent: &Sent) -> bool {
        if self.answers() != sent.answers {
            return false;
        }
        let mut stalls = self.stalls.lock();
        if stalls.answers != sent.answers {
            *stalls = Stalls {
                answers: sent.answers,
                ..Stalls::default()
            };
        }
        if stalls.end.is_none_or(|end| sent.at >= end) {
            stalls.count += 1;
            stalls.end = Some(Instant::now());
        }
        stalls.count >= STALLS
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::Health;

    const TIMEOUT: Duration = Duration::from_millis(250);

    #[tokio::test(start_paused = true)]
    async fn retires_after_three_stalls_in_a_row() {
        let health = Health::default();
        health.answer();
        for broken in [false, false, true] {
            let sent = health.send();
            advance(TIMEOUT).await;
            assert_eq!(health.time_out(&sent), broken);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_one_stall_for_all_pending_operations() {
        let health = Health::default();
        let sent = [(); 50].map(|()| health.send());
        advance(TIMEOUT).await;
        assert!(sent.iter().all(|sent| !health.time_out(sent)));
        // Operations that were sent while the first ones waited are no second stall.
        let (first, during) = (health.send(), health.send());
        advance(TIMEOUT).await;
        assert!(!health.time_out(&first));
        assert!(!health.time_out(&during));
        let third = health.send();
        advance(TIMEOUT).await;
        assert!(health.time_out(&third));
    }

    #[tokio::test(start_paused = true)]
    async fn resets_the_stalls_on_any_answer() {
        let health = Health::default();
        for _ in 0..10 {
            for _ in 0..2 {
                let sent = health.send();
                advance(TIMEOUT).await;
                assert!(!health.time_out(&sent));
            }
            let sent = health.send();
            advance(TIMEOUT / 2).await;
            health.answer();
            advance(TIMEOUT / 2).await;
            assert!(!health.time_out(&sent), "an answer was read meanwhile");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ignores_dropped_operations() {
        let health = Health::default();
        for _ in 0..1_000 {
            let _ = health.send();
            advance(TIMEOUT).await;
        }
        let sent = health.send();
        advance(TIMEOUT).await;
        assert!(!health.time_out(&sent));
    }
}
