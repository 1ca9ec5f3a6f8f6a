//! Refunds of hits whose caller has gone, whose set was refused, or whose state is gone: only what
//! a store says was taken, and all of that.

mod attacks;
mod cut_off;
mod late_answers;
mod made_since;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

use http::request::Parts;
use traffik::{Backend, Identity, ManualClock, Stat, Throttle};
use traffik_tests::head;

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

/// Somebody whose keys are in another slot of a Cluster than everyone's.
async fn me(_: &Parts) -> Identity {
    Identity::new("me")
}

traffik::throttles! {
    throttle Everyone(rate = "300/day", identifier = everyone);
    throttle Mine(rate = "1/day", identifier = me);
    throttle Roomy(rate = "500/day", identifier = me, strategy = sliding_log);
}

/// A request's head on a backend whose clock stands.
fn request(backend: &Backend) -> Parts {
    head(&backend.clone().clock(CLOCK.clone()))
}

async fn left<T: Throttle<Stat = Stat<M>>, M>(head: &Parts) -> u64 {
    T::stat(head).await.expect("a state").hits_remaining
}

/// Polls a future whenever it is woken, but so many times at most; nothing if it did not end.
async fn cut_off<F: Future>(future: F, polls: usize) -> Option<F::Output> {
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

/// Waits until so much is left; refunds in the background take a moment.
async fn until_left<T: Throttle<Stat = Stat<M>>, M>(head: &Parts, expected: u64, case: &str) {
    let mut seen = 0;
    for _ in 0..1_000 {
        seen = left::<T, M>(head).await;
        if seen == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{case}: {seen} left instead of {expected}");
}
