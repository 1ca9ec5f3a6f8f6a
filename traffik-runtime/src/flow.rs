//! `Flow<T>`: a value that is ready, or a boxed future of it.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future of any type, on the heap.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The result of an operation that seldom has to wait.
///
/// A future costs more than a decision in memory, so an operation returns its value if it has it. A
/// caller that cares matches on the two variants; everyone else awaits the flow.
#[must_use = "a pending flow does nothing unless it is awaited"]
pub(crate) enum Flow<'a, T> {
    /// The value.
    Ready(T),
    /// A future of the value.
    Pending(BoxFuture<'a, T>),
}

impl<'a, T> Flow<'a, T> {
    /// Boxes a future of the value.
    pub(crate) fn pending(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self::Pending(Box::pin(future))
    }

    /// Returns the value if it is ready. A future is dropped before it was polled.
    pub(crate) fn into_ready(self) -> Option<T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Pending(_) => None,
        }
    }
}

impl<'a, T> IntoFuture for Flow<'a, T> {
    type Output = T;
    type IntoFuture = FlowFuture<'a, T>;

    fn into_future(self) -> FlowFuture<'a, T> {
        match self {
            Self::Ready(value) => FlowFuture::Ready(Some(value)),
            Self::Pending(future) => FlowFuture::Pending(future),
        }
    }
}

/// A [`Flow`] that is awaited.
pub(crate) enum FlowFuture<'a, T> {
    /// The value; `None` once it was returned.
    Ready(Option<T>),
    /// A future of the value.
    Pending(BoxFuture<'a, T>),
}

// The value is moved out, and never pinned.
impl<T> Unpin for FlowFuture<'_, T> {}

impl<T> Future for FlowFuture<'_, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match self.get_mut() {
            Self::Ready(value) => value.take().map_or(Poll::Pending, Poll::Ready),
            Self::Pending(future) => future.as_mut().poll(context),
        }
    }
}

impl<T> fmt::Debug for Flow<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Pending(_) => "Pending",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{IntoFuture, ready};
    use std::mem::size_of;

    use super::Flow;

    #[tokio::test]
    async fn awaits_a_value_that_is_ready_and_one_that_is_pending() {
        assert_eq!(Flow::Ready(1).await, 1);
        assert_eq!(Flow::pending(ready(2)).await, 2);
        assert_eq!(Flow::pending(ready(3)).into_future().await, 3);
    }

    #[test]
    fn is_no_larger_than_its_value_where_that_has_room_for_a_tag() {
        assert_eq!(
            size_of::<Flow<'_, (bool, [u64; 8])>>(),
            size_of::<(bool, [u64; 8])>()
        );
    }
}
