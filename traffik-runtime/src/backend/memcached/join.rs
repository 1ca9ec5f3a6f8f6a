//! Futures that are awaited together.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use crate::backend::outcome::Several;

/// A future, and its output once it is there.
type Joined<F> = (Pin<Box<F>>, Option<<F as Future>::Output>);

/// Awaits all futures at the same time, and returns their outputs in order.
pub(super) async fn join<F: Future>(futures: impl Iterator<Item = F>) -> Several<F::Output> {
    let mut joined: Several<Joined<F>> = futures.map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        for (future, output) in joined.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(ready) = future.as_mut().poll(context) {
                *output = Some(ready);
            }
        }
        let is_ready = joined.iter().all(|(_, output)| output.is_some());
        if is_ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    joined
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}
