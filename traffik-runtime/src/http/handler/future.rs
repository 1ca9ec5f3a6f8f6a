//! The future of a handler with throttles.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{fmt, mem};

use axum_core::response::{IntoResponse, Response};

use crate::http::handler::extractor::add_fields;
use crate::http::pending_fields::PendingFields;

/// The response of a handler, with the header fields of its throttles.
///
/// The compiler instantiates this type once for each type of return value, not once for each
/// handler, because the handler's own future is behind a pointer.
#[doc(hidden)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ThrottledFuture<T> {
    handler: Pin<Box<dyn Future<Output = T> + Send>>,
    fields: PendingFields,
    /// A function in place of a bound on the type, so that a return value that is no response is
    /// reported once, where it is written.
    add_fields: fn(PendingFields, T) -> Response,
}

/// Runs a handler whose request was let through.
#[doc(hidden)]
pub fn run_handler<T: IntoResponse>(
    fields: PendingFields,
    handler: impl Future<Output = T> + Send + 'static,
) -> ThrottledFuture<T> {
    run_boxed(fields, Box::new(handler))
}

fn run_boxed<T: IntoResponse>(
    fields: PendingFields,
    handler: Box<dyn Future<Output = T> + Send>,
) -> ThrottledFuture<T> {
    ThrottledFuture {
        handler: Box::into_pin(handler),
        fields,
        add_fields,
    }
}

impl<T> Future for ThrottledFuture<T> {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response> {
        let Self {
            handler,
            fields,
            add_fields,
        } = Pin::into_inner(self);
        let Poll::Ready(value) = handler.as_mut().poll(context) else {
            return Poll::Pending;
        };
        Poll::Ready(add_fields(mem::take(fields), value))
    }
}

impl<T> fmt::Debug for ThrottledFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottledFuture").finish_non_exhaustive()
    }
}
