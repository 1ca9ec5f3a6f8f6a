//! A store whose operations take several polls.

use std::time::Duration;

use tokio::task::yield_now;
use traffik::{Error, Store};

/// A [`Store`] that yields to other tasks before and after each operation of the inner store.
#[derive(Clone, Debug, Default)]
pub struct YieldingStore<S>(pub S);

impl<S: Store> Store for YieldingStore<S> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        yield_now().await;
        let value = self.0.get(key).await;
        yield_now().await;
        value
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        yield_now().await;
        let swapped = self.0.compare_and_swap(key, expected, new, ttl).await;
        yield_now().await;
        swapped
    }
}
