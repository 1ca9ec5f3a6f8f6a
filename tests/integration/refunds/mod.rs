//! Refunds of hits whose caller was dropped, whose set was refused, or whose state is gone: exactly
//! the charges that a store reports are refunded.

mod attacks;
mod cancelled_decisions;
mod late_replies;
mod replaced_states;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

use http::request::Parts;
use traffik::{Backend, Identity, ManualClock, Stat, Throttle};
use traffik_tests::head;

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

/// Returns a client whose keys are in another slot of a Cluster than those of everyone.
async fn me(_: &Parts) -> Identity {
    Identity::new("me")
}

traffik::throttles! {
    throttle Everyone(rate = "300/day", identifier = everyone);
    throttle Mine(rate = "1/day", identifier = me);
    throttle Roomy(rate = "500/day", identifier = me, strategy = sliding_log);
}

/// Returns a request's head with a backend whose clock is stopped.
fn request(backend: &Backend) -> Parts {
    head(&backend.clone().clock(CLOCK.clone()))
}

async fn left<T: Throttle<Stat = Stat<M>>, M>(head: &Parts) -> u64 {
    T::stat(head).await.expect("a state").hits_remaining
}

/// Polls a future whenever it is woken, but this many times at most; returns `None` if it did not
/// complete.
async fn cancel_after<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    if polls == 0 {
        return None;
    }
    let (mut future, mut polled) = (pin!(future), 0);
    poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled >= polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Waits until this many units remain, since background refunds take a moment.
async fn until_left<T: Throttle<Stat = Stat<M>>, M>(head: &Parts, expected: u64, case: &str) {
    let mut actual = 0;
    for _ in 0..1_000 {
        actual = left::<T, M>(head).await;
        if actual == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{case}: {actual} left instead of {expected}");
}
