//! `conformance`: checks that a store does everything traffik needs.

pub(crate) mod counters;
pub(crate) mod decisions;
pub(crate) mod expect;
pub(crate) mod keys;
pub(crate) mod times;
pub(crate) mod values;

use crate::backend::Backend;

/// Checks that a store, or a backend, does everything that traffik needs: bytes and their
/// compare-and-swap, counters that many tasks add to at once, times to live, namespaces and locks,
/// and exact limits of each strategy under many tasks.
///
/// `make` returns an empty backend in the namespace that it gets, or a new one each time if the
/// store has no namespaces. The checks take a few seconds, since times to live have to pass. They
/// skip operations that the backend does not support
/// ([`Error::Unsupported`](crate::error::Error::Unsupported)).
///
/// Run it on a runtime with several threads, and with a generous `timeout` of the backend, since a
/// test machine may be busy.
///
/// # Panics
///
/// At the first check that fails, with a message that names it.
///
/// ```
/// use traffik::{Backend, testing::conformance};
///
/// # tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap().block_on(async {
/// conformance(async |_namespace: &str| Backend::memory()).await;
/// # });
/// ```
pub async fn conformance<B: Into<Backend>>(make: impl AsyncFn(&str) -> B) {
    let backend = async |namespace: &str| -> Backend { make(namespace).await.into() };
    values::check(&backend("values").await).await;
    keys::check(&backend("keys").await).await;
    keys::check_apart(&backend("one").await, &backend("other").await).await;
    counters::check(&backend("counters").await).await;
    times::check(&backend("times").await).await;
    decisions::check(&backend("decisions").await).await;
    decisions::check_apart(&backend("here").await, &backend("there").await).await;
}
