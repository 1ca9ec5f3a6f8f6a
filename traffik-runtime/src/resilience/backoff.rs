//! Waiting a little before trying again, longer each time, and never all at the same moment.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// How long to wait before each of several retries.
///
/// ```
/// use std::time::Duration;
/// use traffik::failure::{Backoff, Jitter};
///
/// let backoff = Backoff::exponential(Duration::from_millis(100)).max_delay(Duration::from_secs(1));
/// assert_eq!(backoff.bound(0), Duration::from_millis(100));
/// assert_eq!(backoff.bound(2), Duration::from_millis(400));
/// assert_eq!(backoff.bound(9), Duration::from_secs(1));
///
/// let never_together = backoff.jitter(Jitter::Full);
/// assert!(never_together.delay(2) <= Duration::from_millis(400));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Backoff {
    first: Duration,
    growth: Growth,
    max_delay: Duration,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Growth {
    /// By so much each time.
    Add(Duration),
    /// So many times as long.
    Multiply(f64),
}

/// How much of a span is left to chance, so that those who failed together do not come back together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// Nothing: each pause is its whole span.
    #[default]
    None,
    /// All of it: a pause is anything between nothing and its span.
    Full,
    /// Half of it: a pause is anything between half of its span and all of it.
    Equal,
}

impl Backoff {
    /// Always the same span.
    pub const fn constant(span: Duration) -> Self {
        Self::linear(span, Duration::ZERO)
    }

    /// A span, then each time one that is longer by `step`.
    pub const fn linear(first: Duration, step: Duration) -> Self {
        Self::of(first, Growth::Add(step))
    }

    /// A span, then each time one that is twice as long; [`multiplier`](Self::multiplier) sets another number.
    pub const fn exponential(first: Duration) -> Self {
        Self::of(first, Growth::Multiply(2.0))
    }

    const fn of(first: Duration, growth: Growth) -> Self {
        Self {
            first,
            growth,
            max_delay: Duration::MAX,
            jitter: Jitter::None,
        }
    }

    /// The first span; those after it grow as before.
    pub const fn first(self, span: Duration) -> Self {
        Self {
            first: span,
            ..self
        }
    }

    /// Each span is so many times the one before; less than 1, and what is no number, counts as 1.
    pub const fn multiplier(self, multiplier: f64) -> Self {
        Self {
            growth: Growth::Multiply(multiplier.max(1.0)),
            ..self
        }
    }

    /// No span is longer than this; default: no bound.
    pub const fn max_delay(self, max_delay: Duration) -> Self {
        Self { max_delay, ..self }
    }

    /// What is left to chance; default: nothing.
    pub const fn jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }

    /// The span before a retry, the first being number 0.
    pub fn bound(&self, retry: u32) -> Duration {
        let span = match self.growth {
            Growth::Add(step) => self.first.saturating_add(step.saturating_mul(retry)),
            Growth::Multiply(factor) => {
                let times = factor.powf(f64::from(retry));
                let seconds = self.first.as_secs_f64() * times;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
        };
        span.min(self.max_delay)
    }

    /// How long to wait before a retry this time: its span, less what chance takes.
    pub fn delay(&self, retry: u32) -> Duration {
        let span = self.bound(retry);
        match self.jitter {
            Jitter::None => span,
            Jitter::Full => part(span),
            Jitter::Equal => span / 2 + part(span / 2),
        }
    }

    /// The pauses one after the other.
    pub(crate) const fn pauses(self) -> Delays {
        Delays {
            backoff: self,
            retry: 0,
        }
    }
}

/// The pauses of a [`Backoff`], one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delays {
    backoff: Backoff,
    retry: u32,
}

impl Delays {
    /// How long to wait this time.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.backoff.delay(self.retry);
        self.retry = self.retry.saturating_add(1);
        pause
    }
}

/// Any part of a span.
fn part(span: Duration) -> Duration {
    let share = random() as f64 / u64::MAX as f64;
    let part = Duration::try_from_secs_f64(span.as_secs_f64() * share);
    part.map_or(span, |part| part.min(span))
}

/// Returns a random duration from zero to this one, both included, in whole microseconds and each as
/// likely as the others.
pub(crate) fn draw(up_to: Duration) -> Duration {
    if up_to.is_zero() {
        return Duration::ZERO;
    }
    let micros = u64::try_from(up_to.as_micros()).unwrap_or(u64::MAX);
    let drawn = (u128::from(random()) * (u128::from(micros) + 1)) >> 64;
    Duration::from_micros(drawn as u64)
}

/// A number that others do not draw: the standard library seeds its hashers from the operating system, and never twice
/// alike.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, Jitter, draw};

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn spans(backoff: Backoff) -> [Duration; 4] {
        [0, 1, 2, 3].map(|retry| backoff.bound(retry))
    }

    /// Lessons C 100.
    #[test]
    fn spans_grow_as_told() {
        assert_eq!(spans(Backoff::constant(ms(7))), [ms(7); 4]);
        let linear = Backoff::linear(ms(500), ms(1_000));
        assert_eq!(spans(linear), [ms(500), ms(1_500), ms(2_500), ms(3_500)]);
        let exponential = Backoff::exponential(ms(1_000)).max_delay(ms(3_000));
        assert_eq!(
            spans(exponential),
            [ms(1_000), ms(2_000), ms(3_000), ms(3_000)]
        );
        let slow = Backoff::exponential(ms(100)).multiplier(1.5);
        assert_eq!(slow.bound(2), ms(225));
    }

    #[test]
    fn numbers_that_make_no_sense_are_no_panic() {
        for multiplier in [f64::NAN, -3.0, 0.0] {
            let backoff = Backoff::exponential(ms(9)).multiplier(multiplier);
            assert_eq!(backoff.bound(5), ms(9));
        }
        let endless = Backoff::exponential(Duration::MAX).multiplier(f64::INFINITY);
        assert_eq!(endless.bound(u32::MAX), Duration::MAX);
        assert!(endless.jitter(Jitter::Full).delay(u32::MAX) <= Duration::MAX);
        assert_eq!(
            Backoff::linear(Duration::MAX, Duration::MAX).bound(u32::MAX),
            Duration::MAX
        );
    }

    #[test]
    fn chance_takes_its_part() {
        let backoff = Backoff::exponential(ms(50)).max_delay(ms(300));
        for retry in 0..6 {
            let span = backoff.bound(retry);
            assert_eq!(backoff.delay(retry), span);
            for _ in 0..50 {
                let pause = backoff.jitter(Jitter::Equal).delay(retry);
                assert!(pause >= span / 2 && pause <= span, "{pause:?} of {span:?}");
                assert!(backoff.jitter(Jitter::Full).delay(retry) <= span);
            }
        }
        let full = backoff.jitter(Jitter::Full);
        assert!((0..50).any(|_| full.delay(3) < ms(150)));
        assert!((0..50).any(|_| full.delay(3) > ms(150)));
    }

    #[test]
    fn draws_reach_both_ends_and_nothing_beyond() {
        assert_eq!(draw(Duration::ZERO), Duration::ZERO);
        assert!(draw(Duration::MAX) <= Duration::from_micros(u64::MAX));
        let most = Duration::from_micros(3);
        let mut drawn = [0; 4];
        for _ in 0..4_000 {
            let draw = draw(most);
            assert!(draw <= most, "{draw:?}");
            drawn[draw.as_micros() as usize] += 1;
        }
        // A thousand each are expected; ten standard deviations are 274.
        assert!(
            drawn.iter().all(|times| (700..1_300).contains(times)),
            "{drawn:?}"
        );
    }

    #[test]
    fn pauses_follow_each_other() {
        let mut pauses = Backoff::exponential(ms(50)).max_delay(ms(300)).delays();
        let next = [(); 5].map(|()| pauses.next());
        assert_eq!(next, [ms(50), ms(100), ms(200), ms(300), ms(300)]);
    }
}
