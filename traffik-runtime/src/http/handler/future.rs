//! What a handler with a gate gives.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{fmt, mem};

use axum_core::response::{IntoResponse, Response};

use crate::http::handler::extractor::add_fields;
use crate::http::pending_fields::Kept;

/// A handler's answer, with the header fields of its throttles.
///
/// What the compiler does for every handler it does for this type once for each type of answer, so the handler's own future
/// is behind a pointer.
#[doc(hidden)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ThrottledFuture<T> {
    handler: Pin<Box<dyn Future<Output = T> + Send>>,
    told: Kept,
    /// Known here and no bound of the type, so that an answer which is none is told once, where it is written.
    add_fields: fn(Kept, T) -> Response,
}

/// Runs a handler that was let through.
#[doc(hidden)]
pub fn run_handler<T: IntoResponse>(
    told: Kept,
    handler: impl Future<Output = T> + Send + 'static,
) -> ThrottledFuture<T> {
    begun(told, Box::new(handler))
}

fn begun<T: IntoResponse>(
    told: Kept,
    handler: Box<dyn Future<Output = T> + Send>,
) -> ThrottledFuture<T> {
    ThrottledFuture {
        handler: Box::into_pin(handler),
        told,
        add_fields,
    }
}

impl<T> Future for ThrottledFuture<T> {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response> {
        let Self {
            handler,
            told,
            add_fields,
        } = Pin::into_inner(self);
        let Poll::Ready(answer) = handler.as_mut().poll(context) else {
            return Poll::Pending;
        };
        Poll::Ready(add_fields(mem::take(told), answer))
    }
}

impl<T> fmt::Debug for ThrottledFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottledFuture").finish_non_exhaustive()
    }
}
