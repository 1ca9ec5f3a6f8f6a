//! Judges a connection by what was read from it.
//!
//! All clients share a connection, so that none of them may say anything about it: an operation that its caller drops is
//! no evidence. A connection stalls while nothing at all is read from it for the whole time of an operation. Operations
//! that wait during one stall make one event, however many there are; several stalls in a row and the connection is
//! given up.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;

/// The number of stalls in a row after which a connection is given up. One or two are a server that was busy with
/// something slow, and keeps its connection; a third would be the same if it is alive, and costs it nothing but a new
/// connection.
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
    /// The end of the last one: an operation sent before it waited during the same stall.
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

    /// The number of answers so far.
    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Returns whether the connection was used since the last call.
    pub(crate) fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// Records an answer.
    pub(crate) fn answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that an operation got no answer in its time, and returns whether the connection is to be given up.
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
    async fn gives_up_after_three_stalls_in_a_row() {
        let health = Health::default();
        health.answer();
        for broken in [false, false, true] {
            let sent = health.send();
            advance(TIMEOUT).await;
            assert_eq!(health.time_out(&sent), broken);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_one_stall_for_all_operations_under_way() {
        let health = Health::default();
        let sent = [(); 50].map(|()| health.send());
        advance(TIMEOUT).await;
        assert!(sent.iter().all(|sent| !health.time_out(sent)));
        // Those that were sent while the first ones waited do not make it two.
        let (first, during) = (health.send(), health.send());
        advance(TIMEOUT).await;
        assert!(!health.time_out(&first));
        assert!(!health.time_out(&during));
        let third = health.send();
        advance(TIMEOUT).await;
        assert!(health.time_out(&third));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_anything_ends_the_stalls() {
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
            assert!(!health.time_out(&sent), "something was read meanwhile");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_operation_is_no_evidence() {
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
