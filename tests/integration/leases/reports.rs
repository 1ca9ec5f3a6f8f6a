//! Decisions, events and looks of a leased client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use traffik::strategy::TokenBucket;
use traffik::{Identity, Provenance, registry};

use super::{LIFE, builder, client, custom, hit, hit_until_leased, throttle, uid_of};

#[tokio::test]
async fn report_what_one_process_has_left() {
    let (backend, _) = custom();
    let throttle = throttle("remaining", "10000/hour", &backend);
    for hits in 1..=300 {
        let decision = hit(&throttle).await;
        assert_eq!(decision.remaining, 10_000 - hits, "hit {hits}");
        assert_eq!(decision.limit, 10_000);
        // The window began 46 minutes and 40 seconds ago.
        assert_eq!(decision.reset, Duration::from_secs(800));
        assert_eq!(decision.next, Some(Duration::from_secs(800)));
        assert_eq!(decision.wait, Some(Duration::ZERO));
    }
}

#[tokio::test]
async fn report_what_has_come_back_since() {
    let (backend, clock) = custom();
    let throttle = builder("refilled", "1000/s", &backend).strategy(TokenBucket::new());
    let throttle = throttle.build().unwrap();
    let hits = hit_until_leased(&throttle).await;
    clock.advance(Duration::from_millis(3));
    assert_eq!(hit(&throttle).await.remaining, 1_000 - hits - 1 + 3);
    clock.advance(Duration::from_millis(50));
    assert!(hit(&throttle).await.remaining <= 1_000);
}

#[tokio::test]
async fn look_at_the_store() {
    let (backend, clock) = custom();
    let throttle = throttle("looks", "10000/hour", &backend);
    let hits = hit_until_leased(&throttle).await;
    // The store has counted the whole lease.
    let stat = throttle.stat(&client()).await.unwrap();
    assert_eq!(stat.hits_remaining, 10_000 - 9);
    assert!(throttle.check(&client(), 9_991).await.unwrap());
    assert!(!throttle.check(&client(), 9_992).await.unwrap());
    // A cost of 0 reports what a look does.
    let decision = throttle.hit(&client(), 0).await.unwrap();
    assert_eq!(
        (decision.provenance, decision.remaining),
        (Provenance::Store, 9_991)
    );
    clock.advance(2 * LIFE);
    super::until_used(&throttle, 10_000, hits).await;
    // Nor does it take one.
    for _ in 0..20 {
        throttle.hit(&client(), 0).await.unwrap();
    }
    assert_eq!(super::used(&throttle, 10_000).await, hits);
}

#[tokio::test]
async fn tell_listeners_where_hits_were_decided() {
    let (backend, _) = custom();
    let throttle = throttle("events", "10000/hour", &backend);
    let places = Arc::new(Mutex::new(Vec::new()));
    let (uid, noted) = (uid_of("events"), places.clone());
    let listener = registry().subscribe(move |event| {
        if event.uid == uid {
            let remaining = event.report.map(|report| report.remaining);
            noted.lock().unwrap().push((event.provenance, remaining));
        }
    });
    for _ in 0..6 {
        hit(&throttle).await;
    }
    listener.stop();
    let mut expected: Vec<_> = (1..=5)
        .map(|hits| (Provenance::Store, Some(10_000 - hits)))
        .collect();
    expected[4].1 = Some(9_995);
    expected.push((Provenance::Lease, Some(9_994)));
    assert_eq!(*places.lock().unwrap(), expected);
}

#[tokio::test]
async fn admit_large_costs_by_what_is_left() {
    let (backend, _) = custom();
    let throttle = throttle("costs", "100000/hour", &backend);
    let hit = async |cost| {
        let decision = throttle.hit(&client(), cost).await.unwrap();
        assert!(decision.admitted);
        decision.provenance
    };
    for _ in 0..5 {
        assert_eq!(hit(10).await, Provenance::Store);
    }
    // Forty units are leased.
    assert_eq!(hit(30).await, Provenance::Lease);
    assert_eq!(hit(11).await, Provenance::Store);
    let other = Identity::new("another client");
    assert_eq!(
        throttle.hit(&other, 1).await.unwrap().provenance,
        Provenance::Store
    );
}
