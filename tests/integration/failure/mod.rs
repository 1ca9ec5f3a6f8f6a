//! Policies for backends that fail.

mod breaker;
mod budget;
mod fallback;
mod http;
mod matrix;
mod matrix_memcached;
mod policies;
mod retry;
mod runtimes;
mod sets;
mod shadows;
mod soak;
mod waiting;

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use traffik::failure::Policy;
use traffik::{Backend, Decision, DynThrottle, Error, Identity, ManualClock, Store};
use traffik_tests::OpenStore;

/// A store that works, fails or hangs as a test demands.
#[derive(Clone, Default)]
struct FaultyStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    store: OpenStore,
    fault: Mutex<Option<StoreFault>>,
    calls: AtomicU32,
}

#[derive(Clone, Copy)]
enum StoreFault {
    /// The store is unreachable.
    Unreachable,
    /// The connection is lost, and the operation may have been done.
    ConnectionLost,
    /// A write is done, and its reply is lost.
    ReplyLost,
    /// The store never replies.
    NoReply,
    /// The store replies with an error.
    ErrorReply,
    /// This many operations fail because the store is unreachable.
    UnreachableFor(u32),
}

impl FaultyStore {
    fn fail_with(&self, fault: StoreFault) {
        *self.0.fault.lock().unwrap() = Some(fault);
    }

    fn heal(&self) {
        *self.0.fault.lock().unwrap() = None;
    }

    /// Returns the number of decisions, each of which begins with reading one key.
    fn calls(&self) -> u32 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Fails an operation as the current fault demands.
    async fn fail(&self, is_read: bool) -> Result<(), Error> {
        let fault = *self.0.fault.lock().unwrap();
        let source = || "as the test demands".into();
        match fault {
            Some(StoreFault::Unreachable) => Err(Error::Connection { source: source() }),
            None => Ok(()),
            Some(StoreFault::ReplyLost) if is_read => Ok(()),
            Some(StoreFault::ConnectionLost | StoreFault::ReplyLost) => {
                Err(Error::ConnectionLost { source: source() })
            }
            Some(StoreFault::NoReply) => pending().await,
            Some(StoreFault::ErrorReply) => Err(Error::Backend { source: source() }),
            Some(StoreFault::UnreachableFor(times)) => {
                let left = times.checked_sub(1).filter(|left| *left > 0);
                *self.0.fault.lock().unwrap() = left.map(StoreFault::UnreachableFor);
                Err(Error::Connection { source: source() })
            }
        }
    }
}

impl Store for FaultyStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        self.fail(true).await?;
        self.0.store.get(key).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let store = &self.0.store;
        let swapped = store.compare_and_swap(key, expected, new, ttl).await?;
        self.fail(false).await?;
        Ok(swapped)
    }
}

/// A throttle of ten a minute on a faulty store, with a manual clock.
struct Setup {
    store: FaultyStore,
    clock: ManualClock,
    throttle: DynThrottle,
}

impl Setup {
    fn new(policy: impl Into<Policy>) -> Self {
        Self::with_clock(ManualClock::new(), policy)
    }

    fn with_clock(clock: ManualClock, policy: impl Into<Policy>) -> Self {
        let store = FaultyStore::default();
        let backend = Backend::custom(store.clone()).clock(clock.clone());
        let throttle = DynThrottle::builder("setup")
            .rate("10/minute".parse().unwrap())
            .backend(backend)
            .on_error(policy)
            .build()
            .unwrap();
        Self {
            store,
            clock,
            throttle,
        }
    }

    async fn hit(&self) -> Result<Decision, Error> {
        self.throttle.hit(&client(), 1).await
    }

    /// Hits several times and returns how many were admitted.
    async fn admitted(&self, hits: u32) -> u32 {
        let mut admitted = 0;
        for _ in 0..hits {
            admitted += u32::from(self.hit().await.expect("a decision").admitted);
        }
        admitted
    }

    /// Returns the remaining units in the store.
    async fn remaining(&self) -> u64 {
        self.throttle.stat(&client()).await.unwrap().hits_remaining
    }
}

fn client() -> Identity {
    Identity::new("client")
}

/// Creates a memory backend with a clock, and a throttle that shows the counts of the client there.
fn local(clock: &ManualClock) -> (Backend, DynThrottle) {
    let backend = Backend::memory().clock(clock.clone());
    let throttle = DynThrottle::builder("setup")
        .rate("10/minute".parse().unwrap())
        .backend(backend.clone())
        .build()
        .unwrap();
    (backend, throttle)
}

async fn left(throttle: &DynThrottle) -> u64 {
    throttle.stat(&client()).await.unwrap().hits_remaining
}
