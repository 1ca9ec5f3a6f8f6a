//! Waiting for room instead of being refused.

use std::time::{Duration, Instant};

use tokio::time;

use crate::decision::Decision;
use crate::engine::hold::Held;
use crate::error::Error;
use crate::resilience::backoff::{Backoff, Jitter};
use crate::throttle::reservation::Reservation;
use crate::timer;
use crate::timer::Elapsed;

/// Until when to wait: a time from now on ([`Duration`]), or a moment ([`Instant`]).
#[derive(Clone, Copy, Debug)]
pub struct Deadline(time::Instant);

/// As good as for ever, and still a moment that clocks can tell.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 86_400);

impl From<Duration> for Deadline {
    fn from(from_now: Duration) -> Self {
        Self(time::Instant::now() + from_now.min(FOR_EVER))
    }
}

impl From<Instant> for Deadline {
    fn from(moment: Instant) -> Self {
        Self(moment.into())
    }
}

impl From<time::Instant> for Deadline {
    fn from(moment: time::Instant) -> Self {
        Self(moment)
    }
}

impl Deadline {
    fn left(self) -> Duration {
        self.0.saturating_duration_since(time::Instant::now())
    }
}

/// Between two attempts where no law says when the next one makes sense: a backend that is away is not flooded.
const PACE: Backoff = Backoff::exponential(Duration::from_millis(10))
    .max_delay(Duration::from_millis(500))
    .jitter(Jitter::Equal);

/// Hits until it is admitted, and held back as long as it has to be. A decision that could only be had too late is given
/// as it is; to stop waiting takes nothing.
pub(crate) async fn wait<F>(
    cost: u64,
    deadline: Deadline,
    hit: impl Fn() -> F,
) -> Result<Decision, Error>
where
    F: Future<Output = Result<(Decision, Held), Error>>,
{
    let mut pauses = PACE.pauses();
    let mut latest = None;
    loop {
        let attempt = hit();
        let (decision, held) = match latest {
            None => attempt.await?,
            // One that does not end by the deadline is dropped, and what it took is refunded.
            Some(refusal) => match timer::within(deadline.left(), attempt).await {
                Ok(attempt) => attempt?,
                Err(Elapsed) => return Ok(refusal),
            },
        };
        let reservation = Reservation::new(held, decision, cost);
        let left = deadline.left();
        if !decision.admitted {
            let Some(wait) = decision.wait.filter(|wait| *wait <= left) else {
                return Ok(decision);
            };
            if left.is_zero() {
                return Ok(decision);
            }
            let is_exact = decision.decided && !wait.is_zero();
            let least = if is_exact { wait } else { pauses.next() };
            timer::sleep(wait.max(least).min(left)).await?;
            latest = Some(decision);
        } else if decision.delay <= left {
            if !decision.delay.is_zero() {
                timer::sleep(decision.delay).await?;
            }
            return Ok(reservation.keep());
        } else {
            reservation.cancel().await?;
            return Ok(Decision {
                admitted: false,
                wait: Some(decision.delay),
                ..decision
            });
        }
    }
}
