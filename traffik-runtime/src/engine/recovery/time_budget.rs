//! Shares of the time that a decision has: every attempt that may wait gets an equal part of the
//! rest.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::engine::recovery::attempt::Attempt;
use crate::engine::recovery::run::Run;
use crate::error::Error;
use crate::on_error::step::Step;
use crate::timer;

/// Returns the number of further attempts, after the first, that may have to wait.
pub(super) fn waiting_attempts(steps: &[Step]) -> u32 {
    steps.iter().map(Step::blocking_attempts).sum()
}

impl<A: Attempt> Run<'_, A> {
    /// Returns the time that is left, if there is a deadline.
    pub(super) fn time_left(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Awaits an attempt within its share of the time that is left, if `later` more attempts
    /// follow. An answer that is ready at once is never too late.
    pub(super) async fn within_budget<T, F>(
        &self,
        later: u32,
        attempt: impl FnOnce(Option<Instant>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let after = self.time_left().map(|left| left / later.saturating_add(1));
        let until = after.and_then(|after| Instant::now().checked_add(after));
        let mut answer = pin!(attempt(until));
        let at_once = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context)));
        if let Poll::Ready(answer) = at_once.await {
            return answer;
        }
        match (after, until) {
            (Some(after), Some(until)) if Handle::try_current().is_ok() => {
                timer::check()?;
                let late = |_| Err(Error::Timeout { after });
                timeout_at(until, answer).await.unwrap_or_else(late)
            }
            _ => answer.await,
        }
    }
}
