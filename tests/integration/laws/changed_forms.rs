//! Rates that change from one to a list and back, on every shared store: no count is lost (L30),
//! and a refund goes to the counter of its hit (L32).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use traffik::{Backend, DynThrottle, Identity, ManualClock, Rate, registry};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer};

use crate::memcached::PATIENCE;
use crate::memory::each_named;

const LIMIT: u64 = 10;
const ONE: [Rate; 1] = [Rate::per_hour(LIMIT)];
const LIST: [Rate; 2] = [Rate::per_hour(LIMIT), Rate::per_day(100)];

/// A throttle whose form changes.
#[derive(Clone)]
struct Setup {
    throttle: DynThrottle,
    uid: String,
}

impl Setup {
    /// Builds a throttle of ten an hour for every strategy. The clock is stopped, so no strategy
    /// refills.
    fn each(backend: &Backend) -> Vec<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let prefix = format!("form {}::", NEXT.fetch_add(1, Ordering::Relaxed));
        let backend = backend.clone().clock(ManualClock::new());
        let each = each_named(&prefix, &backend, LIMIT).into_iter();
        let each = each.map(|(name, throttle)| Self {
            throttle,
            uid: format!("{prefix}{name}"),
        });
        each.collect()
    }

    fn set(&self, rates: &[Rate]) {
        registry().set_rate(&self.uid, rates.to_vec()).unwrap();
    }

    async fn admits(&self, client: &Identity) -> bool {
        self.throttle.hit(client, 1).await.unwrap().admitted
    }

    async fn takes(&self, hits: u64) {
        for _ in 0..hits {
            assert!(self.admits(&client()).await, "{}", self.uid);
        }
    }

    /// Sends more single hits than can be admitted and returns the number of admitted ones.
    async fn admitted(&self) -> u64 {
        let mut admitted = 0;
        for _ in 0..LIMIT + 3 {
            admitted += u64::from(self.admits(&client()).await);
        }
        admitted
    }

    async fn remaining(&self) -> u64 {
        let stat = self.throttle.stat(&client()).await.unwrap();
        stat.hits_remaining
    }

    /// Asserts that `stat`, `check` and hits agree on the remaining units.
    async fn assert_left(&self, left: u64) {
        let Self { throttle, uid } = self;
        assert_eq!(self.remaining().await, left, "{uid}: stat");
        let one = throttle.check(&client(), 1).await.unwrap();
        assert_eq!(one, left > 0, "{uid}: check");
        assert_eq!(self.admitted().await, left, "{uid}: hits");
    }

    /// GCRA admits one hit of any cost as long as it admits one of cost 1.
    fn is_gcra(&self) -> bool {
        self.uid.ends_with("gcra")
    }
}

fn client() -> Identity {
    Identity::new("client")
}

async fn keeps_the_count_from_a_list_to_one_rate(backend: Backend) {
    for setup in Setup::each(&backend) {
        setup.takes(1).await;
        setup.set(&LIST);
        setup.takes(3).await;
        setup.set(&ONE);
        setup.assert_left(6).await;
    }
}

async fn keeps_the_count_from_one_rate_to_a_list(backend: Backend) {
    for setup in Setup::each(&backend) {
        if setup.is_gcra() {
            // GCRA admits one a day early, not six.
            continue;
        }
        setup.takes(4).await;
        setup.set(&LIST);
        setup.assert_left(6).await;
    }
}

async fn keeps_the_count_when_the_rate_is_reset(backend: Backend) {
    for setup in Setup::each(&backend) {
        setup.admits(&Identity::new("another client")).await;
        setup.set(&LIST);
        setup.takes(3).await;
        registry().reset(&setup.uid).unwrap();
        setup.assert_left(7).await;
    }
}

/// A client that was only refused under the list has spent its budget all the same, and its reports
/// say so.
async fn keeps_the_count_of_a_client_that_a_list_only_refused(backend: Backend) {
    for setup in Setup::each(&backend) {
        assert_eq!(setup.admitted().await, LIMIT, "{}", setup.uid);
        let before = setup.throttle.hit(&client(), 1).await.unwrap();
        setup.set(&LIST);
        let refused = setup.throttle.hit(&client(), 1).await.unwrap();
        assert_eq!(refused, before, "{}", setup.uid);
        setup.set(&ONE);
        setup.assert_left(0).await;
    }
}

/// A refused hit writes nothing (L33): the list's other member keeps its count.
async fn keeps_the_list_until_a_hit_is_admitted_under_one_rate(backend: Backend) {
    for setup in Setup::each(&backend) {
        if setup.is_gcra() {
            // GCRA admits one a day early, not fifteen.
            continue;
        }
        let list = [Rate::per_hour(LIMIT), Rate::per_day(LIMIT + 5)];
        setup.admits(&Identity::new("another client")).await;
        setup.set(&list);
        assert_eq!(setup.admitted().await, LIMIT, "{}", setup.uid);
        setup.set(&ONE);
        setup.assert_left(0).await;
        setup.set(&list);
        let stat = setup.throttle.stat(&client()).await.unwrap();
        assert_eq!(stat.members[1].hits_remaining, 5, "{}", setup.uid);
    }
}

/// A hit is refunded after its throttle has changed its form.
async fn refunds_hits_of_the_other_form(backend: Backend) {
    for (then, now) in [(&ONE[..], &LIST[..]), (&LIST, &ONE)] {
        for setup in Setup::each(&backend) {
            setup.admits(&Identity::new("another client")).await;
            setup.set(then);
            let [cancelled, settled] = [4, 3].map(|cost| {
                let throttle = setup.throttle.clone();
                async move { throttle.reserve(&client(), cost).await.unwrap() }
            });
            let (cancelled, settled) = (cancelled.await, settled.await);
            if setup.is_gcra() {
                // The second reservation was refused.
                continue;
            }
            setup.set(now);
            assert_eq!(setup.remaining().await, 3, "{}", setup.uid);
            settled.settle(5).await.unwrap();
            assert_eq!(setup.remaining().await, 1, "{}", setup.uid);
            cancelled.cancel().await.unwrap();
            setup.assert_left(5).await;
        }
    }
}

/// While rates change from one to a list and back, no client gets more than its limit.
async fn admits_no_more_while_rates_change(backend: Backend) {
    const CLIENTS: u64 = 12;
    for setup in Setup::each(&backend) {
        if setup.is_gcra() {
            // Under the daily rate it admits four at once.
            continue;
        }
        let over = Arc::new(AtomicBool::new(false));
        assert!(setup.admits(&Identity::new("another client")).await);
        let changes = tokio::spawn({
            let (setup, over) = (setup.clone(), over.clone());
            async move {
                while !over.load(Ordering::Relaxed) {
                    for rates in [&LIST[..], &ONE] {
                        setup.set(rates);
                        // Hits run beside it in real time: the pause lets some meet each form.
                        tokio::time::sleep(Duration::from_micros(300)).await;
                    }
                }
            }
        });
        let mut hitting = JoinSet::new();
        for _ in 0..3 {
            let setup = setup.clone();
            hitting.spawn(async move {
                let mut admitted = [0; CLIENTS as usize];
                for _ in 0..LIMIT {
                    for client in 0..CLIENTS {
                        admitted[client as usize] += u64::from(setup.admits(&client.into()).await);
                    }
                }
                admitted
            });
        }
        let counts = hitting.join_all().await;
        over.store(true, Ordering::Relaxed);
        changes.await.unwrap();
        for client in 0..CLIENTS as usize {
            let admitted: u64 = counts.iter().map(|counts| counts[client]).sum();
            assert_eq!(admitted, LIMIT, "{}: client {client}", setup.uid);
        }
    }
}

macro_rules! on_every_store {
    ($($test:ident)+) => {$(
        mod $test {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn memory() {
                super::$test(Backend::memory()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn custom() {
                super::$test(Backend::custom(ExpiringStore::default())).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn redis() {
                let server = RedisServer::start();
                let backend = Backend::redis(server.url()).timeout(PATIENCE);
                super::$test(backend.connect().await.unwrap()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn memcached() {
                let server = MemcachedServer::start();
                let backend = Backend::memcached(server.url()).timeout(PATIENCE);
                super::$test(backend.connect().await.unwrap()).await;
            }
        }
    )+};
}

on_every_store! {
    keeps_the_count_from_a_list_to_one_rate
    keeps_the_count_from_one_rate_to_a_list
    keeps_the_count_when_the_rate_is_reset
    keeps_the_count_of_a_client_that_a_list_only_refused
    keeps_the_list_until_a_hit_is_admitted_under_one_rate
    refunds_hits_of_the_other_form
    admits_no_more_while_rates_change
}
