//! The operation that policies may repeat or move to another backend, as a trait.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::backend_ref::BackendRef;
use crate::error::Error;
use crate::on_error::verdict::Failure;
use crate::store::handle::StoreHandle;

/// An operation on a backend that may be tried again, or on another backend.
pub(crate) trait Attempt: Sync {
    /// The result of a try that succeeds.
    type Output: Send;

    /// Returns the members of the set that is decided.
    fn members(&self) -> &impl Members;

    /// Returns the first backend.
    fn backend(&self) -> &BackendRef<'_>;

    /// Tries the first backend, for a caller that waits until `until`.
    fn try_backend(
        &self,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;

    /// Tries another backend, with limits divided by the number of processes.
    fn try_other(
        &self,
        other: &Arc<StoreHandle>,
        instances: u32,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;

    /// Returns `true` if the output is a refusal.
    fn is_refusal(output: &Self::Output) -> bool;

    /// Returns the time for which what was counted stays counted; `None` if nothing was.
    fn retention(output: &Self::Output) -> Option<Duration>;

    /// Returns the refusal of a fallback in this process, if what it has counted before makes it
    /// refuse.
    fn refused_by(&self, fallback: &Arc<StoreHandle>) -> Option<Self::Output>;

    /// Counts an admitted hit on a fallback in this process too, and limits `output` to what is
    /// left there. Returns the fallback's refusal if it has no room any more.
    fn mirror(
        &self,
        output: &mut Self::Output,
        fallback: &Arc<StoreHandle>,
    ) -> Option<Self::Output>;
}

/// The members of a set, each by its index.
pub(crate) trait Members: Sync {
    /// Returns the failure that a handler is called with.
    fn failure<'f>(&'f self, member: usize, error: &'f Error, backend: &'static str)
    -> Failure<'f>;

    /// Returns the uid of a member's throttle.
    fn uid(&self, member: usize) -> &str;

    /// Returns the label of a member's throttle in metrics.
    fn label(&self, member: usize) -> &str;

    /// Returns the wait of a member's client where `on_error` refuses it and names no time.
    fn min_wait(&self, member: usize) -> Duration;
}
