//! Waiting a little before trying again, longer each time, and never all at the same moment.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// The pauses between tries: each between half and all of a span that doubles up to a bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    most: Duration,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, most: Duration) -> Self {
        Self { next: first, most }
    }

    /// How long to wait this time.
    pub(crate) fn pause(&mut self) -> Duration {
        let span = self.next;
        self.next = (span * 2).min(self.most);
        span / 2 + span.mul_f64(random() as f64 / u64::MAX as f64 / 2.0)
    }
}

/// A number that others do not draw: the standard library seeds its hashers from the operating system, and never twice
/// alike.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn pauses_grow_up_to_the_bound() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(300));
        for span in [50, 100, 200, 300, 300] {
            let pause = backoff.pause();
            assert!(pause >= Duration::from_millis(span) / 2, "{pause:?}");
            assert!(pause <= Duration::from_millis(span), "{pause:?}");
        }
    }

    #[test]
    fn pauses_differ() {
        let pause = || Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).pause();
        assert_ne!(pause(), pause());
    }
}
