//! What happens when a backend fails.

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

/// A store that does what it is told: work, fail, or say nothing.
#[derive(Clone, Default)]
struct Flaky(Arc<Inner>);

#[derive(Default)]
struct Inner {
    store: OpenStore,
    trouble: Mutex<Option<Trouble>>,
    calls: AtomicU32,
}

#[derive(Clone, Copy)]
enum Trouble {
    /// Nobody is there.
    Away,
    /// It was sent, and nobody knows.
    Lost,
    /// It does what it is asked, and does not say so.
    Unheard,
    /// It never answers.
    Silent,
    /// It finds what it is asked nonsense.
    Nonsense,
    /// As often as this, nobody is there; then it works.
    AwayFor(u32),
}

impl Flaky {
    fn set(&self, trouble: Trouble) {
        *self.0.trouble.lock().unwrap() = Some(trouble);
    }

    fn mend(&self) {
        *self.0.trouble.lock().unwrap() = None;
    }

    /// How often it was asked for a decision, which begins with reading one key.
    fn calls(&self) -> u32 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// What goes wrong with this call, if anything.
    async fn trouble(&self, reads: bool) -> Result<(), Error> {
        let trouble = *self.0.trouble.lock().unwrap();
        let source = || "as told".into();
        match trouble {
            Some(Trouble::Away) => Err(Error::Connection { source: source() }),
            None => Ok(()),
            Some(Trouble::Unheard) if reads => Ok(()),
            Some(Trouble::Lost | Trouble::Unheard) => {
                Err(Error::ConnectionLost { source: source() })
            }
            Some(Trouble::Silent) => pending().await,
            Some(Trouble::Nonsense) => Err(Error::Backend { source: source() }),
            Some(Trouble::AwayFor(times)) => {
                let rest = times.checked_sub(1).filter(|rest| *rest > 0);
                *self.0.trouble.lock().unwrap() = rest.map(Trouble::AwayFor);
                Err(Error::Connection { source: source() })
            }
        }
    }
}

impl Store for Flaky {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        self.trouble(true).await?;
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
        self.trouble(false).await?;
        Ok(swapped)
    }
}

/// A throttle of ten a minute on a store that can fail, under a clock that stands.
struct Bench {
    store: Flaky,
    clock: ManualClock,
    throttle: DynThrottle,
}

impl Bench {
    fn new(policy: impl Into<Policy>) -> Self {
        Self::with_clock(ManualClock::new(), policy)
    }

    fn with_clock(clock: ManualClock, policy: impl Into<Policy>) -> Self {
        let store = Flaky::default();
        let backend = Backend::custom(store.clone()).clock(clock.clone());
        let throttle = DynThrottle::builder("bench")
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

    /// So many hits, and how many were admitted.
    async fn admitted(&self, hits: u32) -> u32 {
        let mut admitted = 0;
        for _ in 0..hits {
            admitted += u32::from(self.hit().await.expect("a decision").admitted);
        }
        admitted
    }

    /// What the store says is left.
    async fn remaining(&self) -> u64 {
        self.throttle.stat(&client()).await.unwrap().hits_remaining
    }
}

fn client() -> Identity {
    Identity::new("client")
}

/// A memory backend under a clock, and a throttle that shows what was taken from the bench's client there.
fn local(clock: &ManualClock) -> (Backend, DynThrottle) {
    let backend = Backend::memory().clock(clock.clone());
    let throttle = DynThrottle::builder("bench")
        .rate("10/minute".parse().unwrap())
        .backend(backend.clone())
        .build()
        .unwrap();
    (backend, throttle)
}

async fn left(throttle: &DynThrottle) -> u64 {
    throttle.stat(&client()).await.unwrap().hits_remaining
}
