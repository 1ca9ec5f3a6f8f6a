//! Operations on keys and values, which every backend offers to strategies and tools of the user's
//! own.

use std::time::Duration;

use crate::backend::Backend;
use crate::error::Error;
use crate::store::caller::PATIENCE;
use crate::store::erased::DynStore;
use crate::store::key_encoding::encoded;

/// Keys are any text. They live in the backend's namespace, apart from the states of throttles. A
/// `ttl` may be any fraction of a second; Redis rounds it up to a millisecond.
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
/// All return [`Error::Connection`] if the backend cannot be reached or was closed,
/// [`Error::Timeout`] or [`Error::ConnectionLost`] if it did not answer, [`Error::Backend`] if the
/// key holds another kind of value.
impl Backend {
    /// Returns the value of a key, if there is one.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.bytes().get(&self.key(key)).await
    }

    /// Sets the value of a key and its time to live; without a `ttl` it lives for ever.
    pub async fn set(
        &self,
        key: &str,
        value: impl AsRef<[u8]> + Send,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let value = value.as_ref();
        self.bytes().set(&self.key(key), value, ttl).await
    }

    /// Removes a key. Returns `true` if it was there.
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        self.bytes().delete(&self.key(key)).await
    }

    /// Adds to an integer, which is 0 if the key is absent, and returns the sum. The integer is
    /// stored in decimal digits.
    pub async fn increment(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.bytes().increment(&self.key(key), by, None).await
    }

    /// Subtracts from an integer, which is 0 if the key is absent, and returns the difference.
    pub async fn decrement(&self, key: &str, by: i64) -> Result<i64, Error> {
        let by = by
            .checked_neg()
            .ok_or_else(|| Error::backend(format!("`{key}` would leave the range of 64 bits")))?;
        self.increment(key, by).await
    }

    /// Adds to an integer as [`increment`](Self::increment) does. If the key was absent it lives
    /// for `ttl`, otherwise its time to live does not change.
    pub async fn increment_with_ttl(
        &self,
        key: &str,
        by: i64,
        ttl: Duration,
    ) -> Result<i64, Error> {
        self.bytes().increment(&self.key(key), by, Some(ttl)).await
    }

    /// Sets the time to live of a key, from now on. Returns `true` if the key was there.
    pub async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        self.bytes().expire(&self.key(key), ttl).await
    }

    /// Returns the values of keys, in their order.
    pub async fn multi_get(&self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = keys.iter().map(|key| self.key(key)).collect();
        self.bytes().multi_get(&keys).await
    }

    /// Sets the values of keys, each as [`set`](Self::set) does. Not atomic: after an error some
    /// may be written.
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
        self.bytes().multi_set(&entries, ttl).await
    }

    /// Sets the value of a key if its present value is the expected one. Returns `true` if it was.
    /// `None` stands for an absent key: as `expected` the key must be absent, as `new` it is
    /// removed.
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
        self.bytes()
            .compare_and_swap(&key, expected, new, ttl)
            .await
    }

    /// Checks that the backend can be reached, is configured correctly, and can decide. On Redis
    /// this calls every command that a decision calls, and writes nothing.
    ///
    /// # Errors
    ///
    /// The error of a decision; [`Error::BackendConfiguration`] if the server does not permit what
    /// decisions need, such as scripts.
    pub async fn ready(&self) -> Result<(), Error> {
        self.parts().check()?;
        self.bytes().ready().await
    }

    /// Removes every key and every throttle state of this backend's namespace, and nothing else. A
    /// backend in memory is a namespace of its own. Reservations from before refund nothing
    /// afterwards.
    ///
    /// ```
    /// use traffik::{Backend, DynThrottle, Identity};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let backend = Backend::memory();
    /// let uploads = DynThrottle::builder("uploads")
    ///     .rate("1/day".parse()?)
    ///     .backend(backend.clone())
    ///     .build()?;
    /// let client = Identity::new("client");
    /// assert!(uploads.hit(&client, 1).await?.admitted);
    /// assert!(!uploads.hit(&client, 1).await?.admitted);
    /// backend.clear().await?;
    /// assert!(uploads.hit(&client, 1).await?.admitted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn clear(&self) -> Result<(), Error> {
        let prefix = format!("{{{}:", self.store().namespace());
        let cleared = self.bytes().clear(&prefix).await;
        self.store().local_refusals().clear();
        if let Some(leases) = self.store().leases() {
            leases.clear();
        }
        cleared?;
        if let Some(memory) = self.store().memory() {
            memory.clear();
        }
        Ok(())
    }

    /// Closes connections. Every later operation on this backend or its clones fails. The states of
    /// a backend in memory are removed. The keys on a server stay, unless the backend was built
    /// with `persistent(false)`.
    ///
    /// First it refunds what is left of leases, and waits for refunds that run in the background,
    /// such as those of reservations that were just dropped: for 5 seconds at most, if the store
    /// does not answer. Call it last in a program.
    pub async fn close(&self) -> Result<(), Error> {
        self.store().close_leases().await;
        self.store().background().idle(PATIENCE).await;
        if !self.parts.persistent {
            self.clear().await?;
        }
        if let Some(memory) = self.store().memory() {
            memory.close();
        }
        self.bytes().close().await
    }

    fn bytes(&self) -> &dyn DynStore {
        self.store().bytes()
    }

    /// Returns the name of a key in the store. States of throttles are `{namespace:client}:…`, in
    /// which the client has no colon. So the two never collide, and every key has a slot of its own
    /// on a Cluster.
    fn key(&self, name: &str) -> String {
        let name = encoded(name.as_bytes());
        format!("{{{}::{name}}}", self.store().namespace())
    }

    /// Returns the name of a lock in the store.
    pub(super) fn lock_key(&self, name: &str) -> String {
        let name = encoded(name.as_bytes());
        format!("{{{}::{name}:lock}}", self.store().namespace())
    }
}
