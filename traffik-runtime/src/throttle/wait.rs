//! Waiting for room instead of being refused.

use std::time::{Duration, Instant};

use tokio::time;

use super::held::Held;
use super::reservation::Reservation;
use crate::decision::Decision;
use crate::error::Error;

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
    loop {
        let (decision, held) = hit().await?;
        let reservation = Reservation::new(held, decision, cost);
        if !decision.admitted {
            match decision.wait {
                Some(wait) if wait <= deadline.left() => time::sleep(wait).await,
                _ => return Ok(decision),
            }
        } else if decision.delay <= deadline.left() {
            if !decision.delay.is_zero() {
                time::sleep(decision.delay).await;
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
