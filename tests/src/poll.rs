//! Futures that need no runtime.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Returns the output of a future that is ready at its first poll, such as a hit on a memory
/// backend.
///
/// # Panics
///
/// If the future is pending.
pub fn poll_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is pending"),
    }
}
