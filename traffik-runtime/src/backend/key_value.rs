//! What can be done with bytes on every backend, for strategies and tools of the user's own.

use std::time::Duration;

use crate::backend::Backend;
use crate::error::Error;
use crate::store::caller::PATIENCE;
use crate::store::key_encoding::encoded;

/// Keys are any text; they live in the backend's namespace, apart from the states of throttles. A `ttl` may be any
/// fraction of a second; Redis rounds it up to a millisecond.
///
/// ```
/// use traffik::Backend;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let backend = Backend::memory();
/// assert_eq!(backend.increment("orders", 7).await?, 7);
/// assert_eq!(backend.get("orders").await?.as_deref(), Some(&b"7"[..]));
/// assert!(backend.compare_and_swap("orders", Some(b"7"), None, None).await?);
/// assert_eq!(backend.decrement("orders", 1).await?, -1);
/// # Ok::<(), traffik::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// All return [`Error::Connection`] if the backend cannot be reached or was closed, [`Error::Timeout`] or
/// [`Error::ConnectionLost`] if it did not answer, [`Error::Backend`] if the key holds something else than what is
/// asked for.
impl Backend {
    /// The value of a key, if there is one.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.primitives().get(&self.key(key)).await
    }

    /// Writes a value and how long it lives, whatever there was; without a `ttl` it lives for ever.
    pub async fn set(
        &self,
        key: &str,
        value: impl AsRef<[u8]> + Send,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let value = value.as_ref();
        self.primitives().set(&self.key(key), value, ttl).await
    }

    /// Removes a key, and says whether it was there.
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        self.primitives().delete(&self.key(key)).await
    }

    /// Adds to a whole number, which is 0 if it is not there, and returns the sum. It is stored in decimal digits.
    pub async fn increment(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.primitives().increment(&self.key(key), by, None).await
    }

    /// Subtracts from a whole number, as [`increment`](Self::increment) adds: what is not there becomes `-by`.
    pub async fn decrement(&self, key: &str, by: i64) -> Result<i64, Error> {
        let by = by
            .checked_neg()
            .ok_or_else(|| Error::backend(format!("`{key}` would leave the range of 64 bits")))?;
        self.increment(key, by).await
    }

    /// Adds to a whole number that, if it is not there yet, lives for `ttl`; one that is keeps the time it has.
    pub async fn increment_with_ttl(
        &self,
        key: &str,
        by: i64,
        ttl: Duration,
    ) -> Result<i64, Error> {
        self.primitives()
            .increment(&self.key(key), by, Some(ttl))
            .await
    }

    /// Lets a key live this long from now, and says whether it was there.
    pub async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        self.primitives().expire(&self.key(key), ttl).await
    }

    /// The values of keys, in their order.
    pub async fn multi_get(&self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = keys.iter().map(|key| self.key(key)).collect();
        self.primitives().multi_get(&keys).await
    }

    /// Writes values, each as [`set`](Self::set) does. Not atomic: after an error some may be written.
    pub async fn multi_set<V: AsRef<[u8]> + Sync>(
        &self,
        entries: &[(&str, V)],
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = entries
            .iter()
            .map(|(key, value)| (self.key(key), value.as_ref()))
            .collect();
        self.primitives().multi_set(&entries, ttl).await
    }

    /// Writes a value if the present one is as expected, and says whether it was. `None` is a key that is not there:
    /// expected to be absent, or to be removed.
    ///
    /// The new value lives for `ttl`; with `None` as long as the old one would have.
    pub async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let key = self.key(key);
        self.primitives()
            .compare_and_swap(&key, expected, new, ttl)
            .await
    }

    /// Checks that the backend is there, is set up as it has to be, and lets decisions be made: on Redis this calls
    /// everything that a decision calls, without writing anything.
    ///
    /// # Errors
    ///
    /// The error that a decision would meet; [`Error::BackendConfiguration`] where the server does not permit what decisions
    /// need, such as scripts.
    pub async fn ready(&self) -> Result<(), Error> {
        self.inner.client_ip.check()?;
        self.primitives().ready().await
    }

    /// Removes every key and every throttle state of this backend's namespace, and nothing else. The embedded backend is a
    /// namespace of its own. Reservations from before give nothing back afterwards.
    ///
    /// ```
    /// use traffik::{Backend, DynThrottle, Identity};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let backend = Backend::memory();
    /// let uploads = DynThrottle::builder("uploads").rate("1/day".parse()?).backend(backend.clone()).build()?;
    /// let client = Identity::new("client");
    /// assert!(uploads.hit(&client, 1).await?.admitted && !uploads.hit(&client, 1).await?.admitted);
    /// backend.clear().await?;
    /// assert!(uploads.hit(&client, 1).await?.admitted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn clear(&self) -> Result<(), Error> {
        let prefix = format!("{{{}:", self.inner.namespace);
        self.primitives().clear(&prefix).await?;
        if let Some(memory) = &self.inner.memory {
            memory.clear();
        }
        Ok(())
    }

    /// Closes connections; all that is asked of this backend or its clones from then on fails. What others share stays,
    /// unless the backend was set up otherwise (`RedisBackend::persistent`).
    ///
    /// Before that it waits for the refunds that are still under way in the background, such as those of reservations that
    /// were dropped a moment ago: for 5 seconds at most, if the store does not answer. A program that ends calls it last.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.background().idle(PATIENCE).await;
        if !self.inner.persistent {
            self.clear().await?;
        }
        if let Some(memory) = &self.inner.memory {
            memory.close();
        }
        self.primitives().close().await
    }

    /// The key of a value. States of throttles are `{namespace:client}:…`, in which a client has no colon: the two never
    /// meet, and every value has a slot of its own on a Cluster.
    fn key(&self, name: &str) -> String {
        format!("{{{}::{}}}", self.inner.namespace, encoded(name.as_bytes()))
    }

    /// The key of a lock.
    pub(super) fn lock_key(&self, name: &str) -> String {
        let name = encoded(name.as_bytes());
        format!("{{{}::{name}:lock}}", self.inner.namespace)
    }
}
