//! Handlers of the user's own for failures of a backend.

use std::fmt;
use std::pin::Pin;

use crate::on_error::verdict::{Failure, Verdict};

/// Decides hits that a backend failed to decide.
///
/// Implemented for every `async fn(&Failure<'_>) -> Verdict`, and for functions that are not async.
///
/// ```
/// use std::time::Duration;
/// use traffik::{ErrorKind, Failure, OnError, Verdict};
///
/// async fn on_backend_error(failure: &Failure<'_>) -> Verdict {
///     match failure.error.kind() {
///         ErrorKind::Connection => Verdict::Throttle(Duration::from_secs(5)),
///         ErrorKind::Timeout => Verdict::Allow,
///         _ => Verdict::Raise,
///     }
/// }
///
/// fn is_a_handler(_: impl OnError) {}
/// is_a_handler(on_backend_error);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of a backend's failures",
    label = "cannot be used as `on_error`",
    note = "a handler is an `async fn(failure: &Failure<'_>) -> Verdict`, async or not"
)]
pub trait OnError: Send + Sync + 'static {
    /// Returns the verdict on one hit.
    fn on_error<'a>(
        &'a self,
        failure: &'a Failure<'a>,
    ) -> impl Future<Output = Verdict> + Send + 'a;
}

/// A function that takes a failure of one lifetime. A function is an [`OnError`] if it takes
/// failures of every lifetime.
pub trait Handler<'a>: Send + Sync {
    /// The returned future, or the verdict itself.
    type Answer: IntoFuture<Output = Verdict, IntoFuture: Send> + 'a;

    /// Calls the function.
    fn call(&self, failure: &'a Failure<'a>) -> Self::Answer;
}

#[diagnostic::do_not_recommend]
impl<'a, F, A> Handler<'a> for F
where
    F: Fn(&'a Failure<'a>) -> A + Send + Sync,
    A: IntoFuture<Output = Verdict, IntoFuture: Send> + 'a,
{
    type Answer = A;

    fn call(&self, failure: &'a Failure<'a>) -> A {
        self(failure)
    }
}

#[diagnostic::do_not_recommend]
impl<F> OnError for F
where
    F: for<'a> Handler<'a> + 'static,
{
    fn on_error<'a>(
        &'a self,
        failure: &'a Failure<'a>,
    ) -> impl Future<Output = Verdict> + Send + 'a {
        self.call(failure).into_future()
    }
}

/// An [`OnError`] of any type.
pub(crate) trait DynOnError: Send + Sync + 'static {
    fn on_error<'a>(
        &'a self,
        failure: &'a Failure<'a>,
    ) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;
    fn type_name(&self) -> &'static str;
}

impl<H: OnError> DynOnError for H {
    fn on_error<'a>(
        &'a self,
        failure: &'a Failure<'a>,
    ) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>> {
        Box::pin(OnError::on_error(self, failure))
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<H>()
    }
}

impl fmt::Debug for dyn DynOnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}
