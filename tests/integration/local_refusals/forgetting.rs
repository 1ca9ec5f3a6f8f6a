//! States are forgotten when quota comes back.

use std::time::Duration;

use traffik::{Provenance, Rate, registry};

use super::{client, custom, decided, hit, throttle};

const ADMITTED: (bool, Provenance) = (true, Provenance::Store);
const REFUSED: (bool, Provenance) = (false, Provenance::Store);
const LOCALLY: (bool, Provenance) = (false, Provenance::LocalRefusal);

#[tokio::test]
async fn calls_the_store_after_the_time_that_is_set() {
    for (uid, setting, life) in [
        ("default time", None, 1_000),
        ("50 ms", Some(Duration::from_millis(50)), 50),
    ] {
        let (backend, clock) = custom();
        let backend = match setting {
            Some(time) => backend.local_refusals(time),
            None => backend,
        };
        let throttle = throttle(uid, "1/hour", &backend);
        assert_eq!(decided(&throttle).await, ADMITTED);
        assert_eq!(decided(&throttle).await, REFUSED);
        clock.advance(Duration::from_micros(life * 900));
        assert_eq!(decided(&throttle).await, LOCALLY);
        clock.advance(Duration::from_micros(life * 100));
        assert_eq!(decided(&throttle).await, REFUSED);
        assert_eq!(decided(&throttle).await, LOCALLY);
    }
}

#[tokio::test]
async fn admits_when_the_wait_is_over() {
    let (backend, clock) = custom();
    let throttle = throttle("wait", "2/500ms", &backend);
    for expected in [ADMITTED, ADMITTED, REFUSED, LOCALLY] {
        assert_eq!(decided(&throttle).await, expected);
    }
    clock.advance(Duration::from_millis(300));
    let refused = hit(&throttle).await;
    assert_eq!(refused.provenance, Provenance::LocalRefusal);
    assert_eq!(refused.wait, Some(Duration::from_millis(200)));
    clock.advance(Duration::from_micros(199_999));
    assert_eq!(decided(&throttle).await, LOCALLY);
    clock.advance(Duration::from_micros(1));
    assert_eq!(decided(&throttle).await, ADMITTED);
}

#[tokio::test]
async fn admits_a_smaller_cost_that_fits() {
    let (backend, _) = custom();
    let throttle = throttle("cost", "5/hour", &backend);
    let hit = async |cost| {
        let decision = throttle.hit(&client(), cost).await.unwrap();
        (decision.admitted, decision.provenance, decision.remaining)
    };
    assert_eq!(hit(3).await, (true, Provenance::Store, 2));
    assert_eq!(hit(3).await, (false, Provenance::Store, 2));
    assert_eq!(hit(3).await, (false, Provenance::LocalRefusal, 2));
    assert_eq!(hit(1).await, (true, Provenance::Store, 1));
    assert_eq!(hit(3).await, (false, Provenance::Store, 1));
    assert_eq!(hit(2).await, (false, Provenance::LocalRefusal, 1));
}

#[tokio::test]
async fn forgets_at_a_settlement() {
    let (backend, _) = custom();
    let throttle = throttle("settlement", "5/hour", &backend);
    let reserved = throttle.reserve(&client(), 5).await.unwrap();
    assert_eq!(decided(&throttle).await, REFUSED);
    assert_eq!(decided(&throttle).await, LOCALLY);
    reserved.settle(4).await.unwrap();
    assert_eq!(decided(&throttle).await, ADMITTED);
    assert_eq!(decided(&throttle).await, REFUSED);
}

#[tokio::test]
async fn forgets_at_a_cancellation() {
    let (backend, _) = custom();
    let throttle = throttle("cancellation", "5/hour", &backend);
    let reserved = throttle.reserve(&client(), 5).await.unwrap();
    assert_eq!(decided(&throttle).await, REFUSED);
    reserved.cancel().await.unwrap();
    assert_eq!(decided(&throttle).await, ADMITTED);
}

#[tokio::test]
async fn forgets_at_a_dropped_reservation() {
    let (backend, _) = custom();
    let throttle = throttle("drop", "5/hour", &backend);
    let reserved = throttle.reserve(&client(), 5).await.unwrap();
    assert_eq!(decided(&throttle).await, REFUSED);
    drop(reserved);
    // The refund is made in the background, by a task that runs within a few turns.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(decided(&throttle).await, ADMITTED);
}

#[tokio::test]
async fn refuses_a_reservation_locally() {
    let (backend, _) = custom();
    let throttle = throttle("reservation", "1/hour", &backend);
    assert_eq!(decided(&throttle).await, ADMITTED);
    assert_eq!(decided(&throttle).await, REFUSED);
    let reserved = throttle.reserve(&client(), 1).await.unwrap();
    assert!(!reserved.decision().admitted);
    assert_eq!(reserved.decision().provenance, Provenance::LocalRefusal);
    reserved.settle(0).await.unwrap();
    assert_eq!(decided(&throttle).await, LOCALLY);
}

#[tokio::test]
async fn forgets_at_a_change_of_the_registry() {
    let (backend, _) = custom();
    let throttle = throttle("registry", "1/hour", &backend);
    let uid = "local refusals: registry";
    assert_eq!(decided(&throttle).await, ADMITTED);
    assert_eq!(decided(&throttle).await, REFUSED);
    assert_eq!(decided(&throttle).await, LOCALLY);

    registry().set_rate(uid, Rate::per_hour(2)).unwrap();
    assert_eq!(decided(&throttle).await, ADMITTED);
    assert_eq!(decided(&throttle).await, REFUSED);

    registry().disable(uid).unwrap();
    assert!(decided(&throttle).await.0);
    registry().enable(uid).unwrap();
    assert_eq!(decided(&throttle).await, REFUSED);
    assert_eq!(decided(&throttle).await, LOCALLY);

    registry().reset(uid).unwrap();
    assert_eq!(decided(&throttle).await, REFUSED);
}

#[tokio::test]
async fn forgets_at_a_clear() {
    let backend = traffik::Backend::custom(traffik::testing::FlakyStore::new());
    let throttle = throttle("clear", "1/hour", &backend);
    assert_eq!(decided(&throttle).await, ADMITTED);
    assert_eq!(decided(&throttle).await, REFUSED);
    assert_eq!(decided(&throttle).await, LOCALLY);
    backend.clear().await.unwrap();
    assert_eq!(decided(&throttle).await, ADMITTED);
}

#[tokio::test]
async fn calls_the_store_while_its_clock_is_set_back() {
    let (backend, clock) = custom();
    let throttle = throttle("set back", "1/hour", &backend);
    assert_eq!(decided(&throttle).await, ADMITTED);
    clock.advance(Duration::from_millis(10));
    assert_eq!(decided(&throttle).await, REFUSED);
    clock.rewind(Duration::from_millis(1));
    assert_eq!(decided(&throttle).await, REFUSED);
}
