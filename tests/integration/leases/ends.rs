//! A lease ends after its life, with its window, when it is used up, and when the law changes.

use std::time::Duration;

use traffik::strategy::{SlidingLog, Tiered, TokenBucket};
use traffik::{Identity, Provenance, Rate, registry};

use super::{LIFE, builder, client, custom, hit, hit_until_leased, throttle, uid_of, used};

#[tokio::test]
async fn serves_a_client_that_hits_often_and_no_other() {
    let (backend, _) = custom();
    let throttle = throttle("often", "10000/hour", &backend);
    assert_eq!(hit_until_leased(&throttle).await, 6);
    let other = Identity::new("another client");
    let decision = throttle.hit(&other, 1).await.unwrap();
    assert_eq!(decision.provenance, Provenance::Store);
}

#[tokio::test]
async fn goes_to_the_store_when_the_lease_is_used_up() {
    let (backend, _) = custom();
    let throttle = throttle("used up", "10000/hour", &backend);
    // The fifth hit has taken four units, the tenth has taken nine, and so on.
    let mut places = Vec::new();
    for _ in 0..20 {
        places.push(hit(&throttle).await.provenance == Provenance::Lease);
    }
    let leased = |hits| std::iter::repeat_n(true, hits);
    let expected: Vec<bool> = [false; 5]
        .into_iter()
        .chain(leased(4))
        .chain([false])
        .chain(leased(9))
        .chain([false])
        .collect();
    assert_eq!(places, expected);
}

#[tokio::test]
async fn ends_after_its_life() {
    let (backend, clock) = custom();
    let throttle = throttle("life", "10000/hour", &backend);
    hit_until_leased(&throttle).await;
    clock.advance(Duration::from_micros(199_999));
    assert_eq!(hit(&throttle).await.provenance, Provenance::Lease);
    clock.advance(Duration::from_micros(1));
    assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
}

#[tokio::test]
async fn ends_when_the_clock_is_set_back() {
    let (backend, clock) = custom();
    let throttle = throttle("set back", "10000/hour", &backend);
    clock.advance(Duration::from_secs(1));
    hit_until_leased(&throttle).await;
    clock.rewind(Duration::from_micros(1));
    assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
}

#[tokio::test]
async fn ends_with_the_window_in_which_it_was_counted() {
    let (backend, clock) = custom();
    let throttle = throttle("window", "1000/s", &backend);
    clock.advance(Duration::from_millis(900));
    hit_until_leased(&throttle).await;
    clock.advance(Duration::from_micros(99_999));
    assert_eq!(hit(&throttle).await.provenance, Provenance::Lease);
    clock.advance(Duration::from_micros(1));
    let decision = hit(&throttle).await;
    assert_eq!(decision.provenance, Provenance::Store);
    // Nothing of the lease counts in the new window, but for the next lease.
    assert!(decision.remaining >= 990, "{}", decision.remaining);
}

#[tokio::test]
async fn ends_with_the_first_window_of_several_rates() {
    let (backend, clock) = custom();
    let builder = builder("rates", "1000/s", &backend).rate(Rate::per_hour(10_000));
    let throttle = builder.build().unwrap();
    clock.advance(Duration::from_millis(900));
    hit_until_leased(&throttle).await;
    clock.advance(Duration::from_millis(100));
    assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
}

#[tokio::test]
async fn outlives_the_boundaries_of_laws_without_windows() {
    let (backend, clock) = custom();
    for (uid, strategy) in [
        (
            "bucket",
            builder("bucket", "1000/s", &backend).strategy(TokenBucket::new()),
        ),
        (
            "log",
            builder("log", "1000/s", &backend).strategy(SlidingLog::new()),
        ),
    ] {
        let throttle = strategy.build().unwrap();
        clock.advance(Duration::from_millis(900));
        hit_until_leased(&throttle).await;
        clock.advance(Duration::from_millis(100));
        assert_eq!(hit(&throttle).await.provenance, Provenance::Lease, "{uid}");
    }
}

#[tokio::test]
async fn ends_with_a_hit_of_another_tier() {
    let (backend, _) = custom();
    let tiers = Tiered::new()
        .tier("free", 1.0)
        .tier("paid", 2.0)
        .default_tier("free");
    let throttle = builder("tiers", "10000/hour", &backend).strategy(tiers);
    let throttle = throttle.build().unwrap();
    hit_until_leased(&throttle).await;
    let paid = client().tier("paid");
    let decision = throttle.hit(&paid, 1).await.unwrap();
    // What was left went back with the same call.
    assert_eq!(decision.provenance, Provenance::Store);
    assert_eq!(decision.remaining, 20_000 - 7);
    assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
}

#[tokio::test]
async fn ends_with_a_change_of_the_registry() {
    let (backend, _) = custom();
    let throttle = throttle("registry", "10000/hour", &backend);
    let hits = hit_until_leased(&throttle).await;
    registry()
        .set_rate(&uid_of("registry"), Rate::per_hour(20_000))
        .unwrap();
    let decision = hit(&throttle).await;
    assert_eq!(decision.provenance, Provenance::Store);
    assert_eq!(decision.remaining, 20_000 - hits - 1);

    registry()
        .set_rate(&uid_of("registry"), Rate::per_hour(5))
        .unwrap();
    assert!(!hit(&throttle).await.admitted);
}

#[tokio::test]
async fn starts_and_ends_with_a_life_that_the_registry_sets() {
    let (backend, clock) = custom();
    let uid = uid_of("set_lease");
    let throttle = traffik::DynThrottle::builder(&uid).rate(Rate::per_hour(10_000));
    let throttle = throttle.backend(backend).build().unwrap();
    for _ in 0..20 {
        assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
    }
    registry().set_lease(&uid, LIFE).unwrap();
    let entries = registry().list();
    let entry = entries.iter().find(|entry| entry.uid == uid).unwrap();
    assert_eq!(entry.lease, Some(LIFE));
    let hits = 20 + hit_until_leased(&throttle).await;
    registry().set_lease(&uid, Duration::ZERO).unwrap();
    for _ in 0..20 {
        assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
    }
    // The lease ended without a hit that could refund it, so the background does.
    clock.advance(2 * LIFE);
    super::until_used(&throttle, 10_000, hits + 20).await;
    registry().reset(&uid).unwrap();
}

#[tokio::test]
async fn leaves_scarce_quota_to_the_store() {
    let (backend, _) = custom();
    let throttle = throttle("scarce", "20/hour", &backend);
    let mut leased = 0;
    for hits in 1..=30 {
        let decision = hit(&throttle).await;
        assert_eq!(decision.admitted, hits <= 20, "{hits}");
        leased += u32::from(decision.provenance == Provenance::Lease);
        if hits > 9 {
            assert_ne!(decision.provenance, Provenance::Lease, "{hits}");
        }
    }
    assert_eq!(leased, 4);
    assert_eq!(used(&throttle, 20).await, 20);
}

#[tokio::test]
async fn ends_when_the_backend_is_cleared() {
    let backend = traffik::Backend::custom(traffik::testing::FlakyStore::new());
    let throttle = throttle("cleared", "10000/hour", &backend);
    hit_until_leased(&throttle).await;
    backend.clear().await.unwrap();
    let decision = hit(&throttle).await;
    assert_eq!(decision.provenance, Provenance::Store);
    assert_eq!(decision.remaining, 9_999);
}
