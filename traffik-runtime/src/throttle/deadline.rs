//! Deadlines, and the loop that waits until a hit is admitted.

use std::time::{Duration, Instant};

use tokio::time;

use crate::decision::Decision;
use crate::engine::hold::Hold;
use crate::error::Error;
use crate::resilience::backoff::{Backoff, Jitter};
use crate::throttle::reservation::Reservation;
use crate::timer;
use crate::timer::Elapsed;

/// The end of a wait: a time from now ([`Duration`]), or a moment ([`Instant`]).
#[derive(Clone, Copy, Debug)]
pub struct Deadline(time::Instant);

/// The longest wait: practically for ever, but a moment that clocks can represent.
const MAX_WAIT: Duration = Duration::from_secs(30 * 365 * 86_400);

impl From<Duration> for Deadline {
    fn from(from_now: Duration) -> Self {
        Self(time::Instant::now() + from_now.min(MAX_WAIT))
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
    /// Returns the time until the deadline.
    fn left(self) -> Duration {
        self.0.saturating_duration_since(time::Instant::now())
    }
}

/// The delays between attempts if no law has computed a wait, so that a failing backend is not
/// flooded.
const RETRY_DELAYS: Backoff = Backoff::exponential(Duration::from_millis(10))
    .max_delay(Duration::from_millis(500))
    .jitter(Jitter::Equal);

/// Hits until the hit is admitted and its delay is over. Returns a refusal if that cannot be before
/// the deadline. Dropping the future refunds its attempt.
pub(crate) async fn wait<F>(
    cost: u64,
    deadline: Deadline,
    hit: impl Fn() -> F,
) -> Result<Decision, Error>
where
    F: Future<Output = Result<(Decision, Hold), Error>>,
{
    let mut delays = RETRY_DELAYS.delays();
    let mut last_refusal = None;
    loop {
        let attempt = hit();
        let (decision, hold) = match last_refusal {
            None => attempt.await?,
            // An attempt that does not end by the deadline is dropped, and refunded.
            Some(refusal) => match timer::within(deadline.left(), attempt).await {
                Ok(attempt) => attempt?,
                Err(Elapsed) => return Ok(refusal),
            },
        };
        let reservation = Reservation::new(hold, decision, cost);
        let left = deadline.left();
        if !decision.admitted {
            let Some(wait) = decision.wait.filter(|wait| *wait <= left) else {
                return Ok(decision);
            };
            if left.is_zero() {
                return Ok(decision);
            }
            let is_exact = decision.decided && !wait.is_zero();
            let min = if is_exact { wait } else { delays.next() };
            timer::sleep(wait.max(min).min(left)).await?;
            last_refusal = Some(decision);
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
