//! Delays between retries, which grow and are spread by chance.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

#[cfg(feature = "test-util")]
use crate::simulation;

/// The delays before retries.
///
/// ```
/// use std::time::Duration;
/// use traffik::failure::{Backoff, Jitter};
///
/// let backoff =
///     Backoff::exponential(Duration::from_millis(100)).max_delay(Duration::from_secs(1));
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
    /// Adds this to each delay.
    Add(Duration),
    /// Multiplies each delay by this.
    Multiply(f64),
}

/// The random part of a delay, so that callers that failed together do not return together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// None: each delay is its bound.
    #[default]
    None,
    /// The whole: a delay is between zero and its bound.
    Full,
    /// One half: a delay is between half of its bound and its bound.
    Equal,
}

impl Backoff {
    /// Makes a backoff with one bound for all retries.
    pub const fn constant(bound: Duration) -> Self {
        Self::linear(bound, Duration::ZERO)
    }

    /// Makes a backoff whose bound grows by `step` with each retry.
    pub const fn linear(first: Duration, step: Duration) -> Self {
        Self::with_growth(first, Growth::Add(step))
    }

    /// Makes a backoff whose bound doubles with each retry; [`multiplier`](Self::multiplier) sets
    /// another factor.
    pub const fn exponential(first: Duration) -> Self {
        Self::with_growth(first, Growth::Multiply(2.0))
    }

    const fn with_growth(first: Duration, growth: Growth) -> Self {
        Self {
            first,
            growth,
            max_delay: Duration::MAX,
            jitter: Jitter::None,
        }
    }

    /// Sets the first bound; those after it grow as before.
    pub const fn first(self, bound: Duration) -> Self {
        Self {
            first: bound,
            ..self
        }
    }

    /// Multiplies the bound by this with each retry. NaN and numbers below 1 count as 1.
    pub const fn multiplier(self, multiplier: f64) -> Self {
        Self {
            growth: Growth::Multiply(multiplier.max(1.0)),
            ..self
        }
    }

    /// Sets the largest bound; default: none.
    pub const fn max_delay(self, max_delay: Duration) -> Self {
        Self { max_delay, ..self }
    }

    /// Sets the random part of each delay; default: none.
    pub const fn jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }

    /// Returns the longest delay before a retry, counted from 0.
    pub fn bound(&self, retry: u32) -> Duration {
        let bound = match self.growth {
            Growth::Add(step) => self.first.saturating_add(step.saturating_mul(retry)),
            Growth::Multiply(factor) => {
                let times = factor.powf(f64::from(retry));
                let seconds = self.first.as_secs_f64() * times;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
        };
        bound.min(self.max_delay)
    }

    /// Draws the delay before a retry, at most its [`bound`](Self::bound).
    pub fn delay(&self, retry: u32) -> Duration {
        let bound = self.bound(retry);
        match self.jitter {
            Jitter::None => bound,
            Jitter::Full => part(bound),
            Jitter::Equal => bound / 2 + part(bound / 2),
        }
    }

    /// Returns the delays of one retry after the other.
    pub(crate) const fn delays(self) -> Delays {
        Delays {
            backoff: self,
            retry: 0,
        }
    }
}

/// The delays of a [`Backoff`], one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delays {
    backoff: Backoff,
    retry: u32,
}

impl Delays {
    /// Draws the next delay.
    pub(crate) fn next(&mut self) -> Duration {
        let delay = self.backoff.delay(self.retry);
        self.retry = self.retry.saturating_add(1);
        delay
    }
}

/// Draws a part of a duration.
fn part(whole: Duration) -> Duration {
    let share = random() as f64 / u64::MAX as f64;
    let part = Duration::try_from_secs_f64(whole.as_secs_f64() * share);
    part.map_or(whole, |part| part.min(whole))
}

/// Draws a duration from zero to this one, both included, in whole microseconds and uniformly.
pub(crate) fn draw(up_to: Duration) -> Duration {
    if up_to.is_zero() {
        return Duration::ZERO;
    }
    let micros = u64::try_from(up_to.as_micros()).unwrap_or(u64::MAX);
    let drawn = (u128::from(random()) * (u128::from(micros) + 1)) >> 64;
    Duration::from_micros(drawn as u64)
}

/// Draws a number. The standard library seeds its hashers from the operating system, each one
/// differently.
pub(crate) fn random() -> u64 {
    #[cfg(feature = "test-util")]
    if let Some(number) = simulation::random() {
        return number;
    }
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

    #[test]
    fn bounds_grow_as_configured() {
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
    fn does_not_panic_on_senseless_numbers() {
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
        let max = Duration::from_micros(3);
        let mut drawn = [0; 4];
        for _ in 0..4_000 {
            let draw = draw(max);
            assert!(draw <= max, "{draw:?}");
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
        let mut delays = Backoff::exponential(ms(50)).max_delay(ms(300)).delays();
        let next = [(); 5].map(|()| delays.next());
        assert_eq!(next, [ms(50), ms(100), ms(200), ms(300), ms(300)]);
    }
}
