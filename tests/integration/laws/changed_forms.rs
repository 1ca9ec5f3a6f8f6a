//! Rates that change from one to a list and back, on every store that processes share: nothing that
//! was counted is forgotten (L30), and a refund goes to where the hit was counted (L32).

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
struct Ground {
    throttle: DynThrottle,
    uid: String,
}

impl Ground {
    /// A throttle of ten an hour for every strategy. The clock stands still, so none gives anything
    /// back.
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

    /// Sends more single hits than can be admitted, and returns the number of those that were.
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

    /// `stat`, `check` and hits agree: so many hits are left.
    async fn assert_left(&self, left: u64) {
        let Self { throttle, uid } = self;
        assert_eq!(self.remaining().await, left, "{uid}: stat");
        let one = throttle.check(&client(), 1).await.unwrap();
        assert_eq!(one, left > 0, "{uid}: check");
        assert_eq!(self.admitted().await, left, "{uid}: hits");
    }

    /// Under GCRA one hit of any cost is admitted as long as one of cost 1 is.
    fn is_gcra(&self) -> bool {
        self.uid.ends_with("gcra")
    }
}

fn client() -> Identity {
    Identity::new("client")
}

async fn keeps_the_count_from_a_list_to_one_rate(backend: Backend) {
    for ground in Ground::each(&backend) {
        ground.takes(1).await;
        ground.set(&LIST);
        ground.takes(3).await;
        ground.set(&ONE);
        ground.assert_left(6).await;
    }
}

async fn keeps_the_count_from_one_rate_to_a_list(backend: Backend) {
    for ground in Ground::each(&backend) {
        if ground.is_gcra() {
            // It admits one a day early, not six.
            continue;
        }
        ground.takes(4).await;
        ground.set(&LIST);
        ground.assert_left(6).await;
    }
}

async fn keeps_the_count_when_what_was_set_is_reset(backend: Backend) {
    for ground in Ground::each(&backend) {
        ground.admits(&Identity::new("somebody")).await;
        ground.set(&LIST);
        ground.takes(3).await;
        registry().reset(&ground.uid).unwrap();
        ground.assert_left(7).await;
    }
}

/// A client that is only refused under the list has spent its budget all the same, and is told so.
async fn keeps_the_count_of_a_client_that_a_list_only_refused(backend: Backend) {
    for ground in Ground::each(&backend) {
        assert_eq!(ground.admitted().await, LIMIT, "{}", ground.uid);
        let before = ground.throttle.hit(&client(), 1).await.unwrap();
        ground.set(&LIST);
        let refused = ground.throttle.hit(&client(), 1).await.unwrap();
        assert_eq!(refused, before, "{}", ground.uid);
        ground.set(&ONE);
        ground.assert_left(0).await;
    }
}

/// A refusal writes nothing (L33): the list's other member has not forgotten.
async fn keeps_the_list_until_a_hit_is_admitted_under_one_rate(backend: Backend) {
    for ground in Ground::each(&backend) {
        if ground.is_gcra() {
            // It admits one a day early, not fifteen.
            continue;
        }
        let list = [Rate::per_hour(LIMIT), Rate::per_day(LIMIT + 5)];
        ground.admits(&Identity::new("somebody")).await;
        ground.set(&list);
        assert_eq!(ground.admitted().await, LIMIT, "{}", ground.uid);
        ground.set(&ONE);
        ground.assert_left(0).await;
        ground.set(&list);
        let stat = ground.throttle.stat(&client()).await.unwrap();
        assert_eq!(stat.members[1].hits_remaining, 5, "{}", ground.uid);
    }
}

/// A hit is given back after its throttle has changed its form.
async fn gives_back_what_was_taken_in_the_other_form(backend: Backend) {
    for (then, now) in [(&ONE[..], &LIST[..]), (&LIST, &ONE)] {
        for ground in Ground::each(&backend) {
            ground.admits(&Identity::new("somebody")).await;
            ground.set(then);
            let [cancelled, settled] = [4, 3].map(|cost| {
                let throttle = ground.throttle.clone();
                async move { throttle.reserve(&client(), cost).await.unwrap() }
            });
            let (cancelled, settled) = (cancelled.await, settled.await);
            if ground.is_gcra() {
                // Its second reservation was refused.
                continue;
            }
            ground.set(now);
            assert_eq!(ground.remaining().await, 3, "{}", ground.uid);
            settled.settle(5).await.unwrap();
            assert_eq!(ground.remaining().await, 1, "{}", ground.uid);
            cancelled.cancel().await.unwrap();
            ground.assert_left(5).await;
        }
    }
}

/// While rates change from one to a list and back, no client gets more than its limit.
async fn admits_no_more_while_rates_change_under_way(backend: Backend) {
    const CLIENTS: u64 = 12;
    for ground in Ground::each(&backend) {
        if ground.is_gcra() {
            // By the day it admits four at once.
            continue;
        }
        let over = Arc::new(AtomicBool::new(false));
        assert!(ground.admits(&Identity::new("somebody")).await);
        let changes = tokio::spawn({
            let (ground, over) = (ground.clone(), over.clone());
            async move {
                while !over.load(Ordering::Relaxed) {
                    for rates in [&LIST[..], &ONE] {
                        ground.set(rates);
                        tokio::time::sleep(Duration::from_micros(300)).await;
                    }
                }
            }
        });
        let mut hitting = JoinSet::new();
        for _ in 0..3 {
            let ground = ground.clone();
            hitting.spawn(async move {
                let mut admitted = [0; CLIENTS as usize];
                for _ in 0..LIMIT {
                    for client in 0..CLIENTS {
                        admitted[client as usize] += u64::from(ground.admits(&client.into()).await);
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
            assert_eq!(admitted, LIMIT, "{}: client {client}", ground.uid);
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
    keeps_the_count_when_what_was_set_is_reset
    keeps_the_count_of_a_client_that_a_list_only_refused
    keeps_the_list_until_a_hit_is_admitted_under_one_rate
    gives_back_what_was_taken_in_the_other_form
    admits_no_more_while_rates_change_under_way
}
