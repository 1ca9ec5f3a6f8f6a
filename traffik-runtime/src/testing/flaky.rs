//! `FlakyStore`: a store that fails on command.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::Error;
use crate::store::byte_store::Store;
use crate::store::erased::{Answer, DynStore};
use crate::store::memory::bytes::Bytes;

/// A store that passes operations on, or fails on command in one of the ways of real stores. Clones
/// share the command: a test uses one clone and hands the other to a
/// [`Backend`](crate::backend::Backend).
///
/// ```
/// use traffik::{Backend, ErrorKind};
/// use traffik::testing::{FlakyStore, Fault};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let store = FlakyStore::new();
/// let backend = Backend::custom(store.clone());
/// backend.set("key", "1", None).await.unwrap();
///
/// store.fail(Fault::Refuse);
/// assert_eq!(backend.get("key").await.unwrap_err().kind(), ErrorKind::Connection);
///
/// store.heal();
/// assert!(backend.get("key").await.unwrap().is_some());
/// # });
/// ```
#[derive(Clone)]
pub struct FlakyStore {
    inner: Arc<dyn DynStore>,
    command: Arc<Command>,
}

/// A way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The operation is not done, as by an unreachable server: [`Error::Connection`].
    Refuse,
    /// The operation is done, but the answer is lost: [`Error::ConnectionLost`].
    Lose,
    /// The operation is not done, which the caller cannot know: [`Error::Timeout`].
    TimeOut,
    /// The operation is done, and the answer never arrives.
    Hang,
    /// The operation is done after this time.
    Delay(Duration),
}

struct Command {
    fault: Mutex<Option<(Fault, u64)>>,
    calls: AtomicU64,
    /// `true` while answers are withheld.
    withholds: watch::Sender<bool>,
}

impl Default for Command {
    fn default() -> Self {
        Self {
            fault: Mutex::default(),
            calls: AtomicU64::new(0),
            withholds: watch::Sender::new(false),
        }
    }
}

impl FlakyStore {
    /// Makes an empty store in this process's memory, without a fault.
    pub fn new() -> Self {
        Self::with(Arc::new(Bytes::new(1_000_000, None)))
    }

    /// Makes a flaky store over another one, without a fault.
    pub fn over(store: impl Store) -> Self {
        Self::with(Arc::new(store))
    }

    fn with(inner: Arc<dyn DynStore>) -> Self {
        Self {
            inner,
            command: Arc::default(),
        }
    }

    /// Makes every operation fail from now on.
    pub fn fail(&self, fault: Fault) {
        self.fail_times(u64::MAX, fault);
    }

    /// Makes the next operations fail, this many of them.
    pub fn fail_times(&self, times: u64, fault: Fault) {
        *self.command.fault.lock() = Some((fault, times));
    }

    /// Removes the fault. Operations that hang stay so.
    pub fn heal(&self) {
        *self.command.fault.lock() = None;
    }

    /// Withholds the answers of operations, which are done, until [`release`](Self::release).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use traffik::{Backend, testing::FlakyStore};
    ///
    /// # use tokio::runtime::Builder;
    /// # let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    /// # runtime.block_on(async {
    /// let store = FlakyStore::new();
    /// let backend = Backend::custom(store.clone());
    /// store.withhold();
    /// let set = backend.set("key", "1", None);
    /// assert!(tokio::time::timeout(Duration::from_millis(5), set).await.is_err());
    /// store.release();
    /// assert!(backend.get("key").await.unwrap().is_some());
    /// # });
    /// ```
    pub fn withhold(&self) {
        self.command.withholds.send_replace(true);
    }

    /// Releases the answers that were withheld, and all later ones.
    pub fn release(&self) {
        self.command.withholds.send_replace(false);
    }

    /// Returns the number of operations so far, including failed ones.
    pub fn calls(&self) -> u64 {
        self.command.calls.load(Ordering::SeqCst)
    }

    fn fault(&self) -> Option<Fault> {
        self.command.calls.fetch_add(1, Ordering::SeqCst);
        let mut command = self.command.fault.lock();
        let (fault, left) = (*command)?;
        *command = (left > 1).then_some((fault, left - u64::from(left != u64::MAX)));
        Some(fault)
    }

    async fn pass<T>(&self, operation: Answer<'_, T>) -> Result<T, Error> {
        match self.fault() {
            None => {
                let answer = operation.await;
                let mut withholds = self.command.withholds.subscribe();
                let _ = withholds.wait_for(|withholds| !withholds).await;
                answer
            }
            Some(Fault::Refuse) => Err(Error::Connection {
                source: "refused on command".into(),
            }),
            Some(Fault::Lose) => {
                operation.await?;
                Err(Error::ConnectionLost {
                    source: "the answer was lost on command".into(),
                })
            }
            Some(Fault::TimeOut) => Err(Error::Timeout {
                after: Duration::ZERO,
            }),
            Some(Fault::Hang) => {
                operation.await?;
                std::future::pending().await
            }
            Some(Fault::Delay(by)) => {
                tokio::time::sleep(by).await;
                operation.await
            }
        }
    }
}

impl Default for FlakyStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FlakyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlakyStore")
            .field("fault", &*self.command.fault.lock())
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

impl Store for FlakyStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.pass(self.inner.get(key)).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        self.pass(self.inner.compare_and_swap(key, expected, new, ttl))
            .await
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        self.pass(self.inner.set(key, value, ttl)).await
    }

    async fn delete(&self, key: &str) -> Result<bool, Error> {
        self.pass(self.inner.delete(key)).await
    }

    async fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
        self.pass(self.inner.increment(key, by, ttl)).await
    }

    async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        self.pass(self.inner.expire(key, ttl)).await
    }

    async fn multi_get(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.pass(self.inner.multi_get(keys)).await
    }

    async fn multi_set(
        &self,
        entries: &[(String, &[u8])],
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        self.pass(self.inner.multi_set(entries, ttl)).await
    }

    async fn clear(&self, prefix: &str) -> Result<(), Error> {
        self.pass(self.inner.clear(prefix)).await
    }

    async fn ready(&self) -> Result<(), Error> {
        self.pass(self.inner.ready()).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.pass(self.inner.close()).await
    }
}
