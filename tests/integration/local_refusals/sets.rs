//! Sets are refused locally if the states of all members are known.

use std::time::Duration;

use traffik::{Backend, Identity, ManualClock, Provenance, Throttle as _};
use traffik_tests::{RedisServer, head};

traffik::throttles! {
    throttle First(rate = "5/hour", identifier = everyone);
    throttle Second(rate = "3/hour", identifier = everyone);
    throttle Elsewhere(rate = "2/hour", identifier = everyone, backend = elsewhere());
}

fn elsewhere() -> Backend {
    Backend::custom(traffik_tests::ExpiringStore::default()).clock(ManualClock::new())
}

type Both = (First, Second);

/// Two backends.
type Split = (First, Elsewhere);

#[tokio::test]
async fn refuses_a_set_by_all_its_states() {
    let server = RedisServer::start();
    let backend = Backend::redis(server.url()).timeout(Duration::from_secs(5));
    let backend = backend.connect().await.unwrap();
    let parts = head(&backend);
    for _ in 0..3 {
        assert!(Both::hit(&parts).await.unwrap().admitted);
    }
    let refused = Both::hit(&parts).await.unwrap();
    assert_eq!(
        (refused.admitted, refused.provenance),
        (false, Provenance::Store)
    );
    let before = server.calls("evalsha");
    for _ in 0..10 {
        let refused = Both::hit(&parts).await.unwrap();
        assert_eq!(
            (refused.admitted, refused.provenance),
            (false, Provenance::LocalRefusal)
        );
        assert_eq!((refused.limit, refused.remaining), (3, 0));
    }
    // The second alone is refused too, and the first alone is admitted and forgotten.
    let second = Second::hit(&parts).await.unwrap();
    assert_eq!(
        (second.admitted, second.provenance),
        (false, Provenance::LocalRefusal)
    );
    assert_eq!(server.calls("evalsha") - before, 0);
    let first = First::hit(&parts).await.unwrap();
    assert_eq!((first.admitted, first.remaining), (true, 1));
    let refused = Both::hit(&parts).await.unwrap();
    assert_eq!(
        (refused.admitted, refused.provenance),
        (false, Provenance::Store)
    );
    assert_eq!(server.calls("evalsha") - before, 2);
}

#[tokio::test]
async fn refuses_the_part_of_a_set_whose_backend_refused_before() {
    let (first, _) = super::custom();
    let parts = head(&first);
    for left in [4, 3] {
        assert!(Split::hit(&parts).await.unwrap().admitted);
        assert_eq!(First::stat(&parts).await.unwrap().hits_remaining, left);
    }
    for _ in 0..3 {
        let refused = Split::hit(&parts).await.unwrap();
        assert_eq!((refused.admitted, refused.limit), (false, 2));
        // The first has been refunded each time.
        assert_eq!(First::stat(&parts).await.unwrap().hits_remaining, 3);
    }
    assert!(First::hit(&parts).await.unwrap().admitted);
}

#[tokio::test]
async fn forgets_members_that_were_refunded() {
    let (backend, _) = super::custom();
    let builder = traffik::DynThrottle::builder("local refusals: both").backend(backend);
    let rates = ["5/hour", "9/day"].map(|rate| rate.parse().unwrap());
    let throttle = rates
        .into_iter()
        .fold(builder, |it, rate: traffik::Rate| it.rate(rate));
    let throttle = throttle.build().unwrap();
    let client = Identity::new("client");
    let reserved = throttle.reserve(&client, 5).await.unwrap();
    for provenance in [Provenance::Store, Provenance::LocalRefusal] {
        let refused = throttle.hit(&client, 1).await.unwrap();
        assert_eq!((refused.admitted, refused.provenance), (false, provenance));
        assert_eq!(refused.remaining, 0);
    }
    reserved.settle(2).await.unwrap();
    let admitted = throttle.hit(&client, 1).await.unwrap();
    assert_eq!((admitted.admitted, admitted.remaining), (true, 2));
}
