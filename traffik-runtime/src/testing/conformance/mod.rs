//! What traffik needs of a store, checked.

pub(crate) mod counters;
pub(crate) mod decisions;
pub(crate) mod expect;
pub(crate) mod keys;
pub(crate) mod times;
pub(crate) mod values;

use crate::backend::Backend;

/// Checks that a store, or a backend, keeps what traffik needs of it: bytes and their compare-and-swap, counters that
/// many tasks add to at once, times to live, namespaces, locks, and that each strategy admits under many tasks exactly
/// what its law says.
///
/// `make` is given a namespace and gives a backend of that namespace in which there is nothing yet; where a store knows no
/// namespaces, a new one each time. It takes a few seconds, for times to live have to pass. What a backend cannot do and
/// says so ([`Error::Unsupported`](crate::error::Error::Unsupported)) is left out.
///
/// Run it on a runtime of several threads, and give the backend a generous `timeout`: a test machine may be busy.
///
/// # Panics
///
/// At the first thing that is not as it has to be, saying what.
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
