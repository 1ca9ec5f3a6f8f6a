//! Changes before the first use of a throttle are kept until then.

use traffik::registry::{Applied, Pending};
use traffik::strategy::Tiered;
use traffik::{
    Backend, DynThrottle, ErrorKind, Identity, Rate, Throttle as _, ThrottleLayer, filter, registry,
};
use traffik_tests::{head, midnight};

use super::entry;

traffik::throttles! {
    throttle Set(rate = "10/minute", uid = "pending::set");
    throttle Twice(rate = "10/minute", uid = "pending::twice");
    throttle Off(rate = "10/minute", uid = "pending::off");
    throttle OnAgain(rate = "10/minute", uid = "pending::on_again");
    throttle Reset(rate = "10/minute", uid = "pending::reset");
    throttle Layered(rate = "10/minute", uid = "pending::layered");
    throttle Selected(rate = by_request, identifier = everyone, uid = "pending::selected");
    throttle Second(rate = "10/minute", uid = "pending::second");
}

fn by_request(_: &http::request::Parts) -> Rate {
    Rate::per_minute(9)
}

fn pending(uid: &str) -> Option<Pending> {
    let mut pending = registry().pending();
    pending.retain(|pending| pending.uid == uid);
    assert!(pending.len() < 2, "{pending:?}");
    pending.pop()
}

fn build(uid: &str, backend: Backend) -> DynThrottle {
    let builder = DynThrottle::builder(uid).rate(Rate::per_minute(10));
    builder.backend(backend).build().unwrap()
}

#[tokio::test]
async fn applies_rates_from_the_first_hit() {
    let parts = head(&midnight().0);
    let rates = [Rate::per_minute(2), Rate::per_hour(7)];
    let applied = registry().set_rate("pending::set", rates).unwrap();
    assert_eq!(applied, Applied::Pending);
    let waits = pending("pending::set").unwrap();
    assert_eq!((waits.rates, waits.enabled), (rates.to_vec(), None));
    assert_eq!(waits.refused, None);
    assert_eq!(entry("pending::set"), None);

    assert_eq!(Set::hit(&parts).await.unwrap().remaining, 1);
    assert_eq!(pending("pending::set"), None);
    assert_eq!(entry("pending::set").unwrap().rates, rates);
    let applied = registry().set_rate("pending::set", Rate::per_minute(5));
    assert_eq!(applied.unwrap(), Applied::Now);
    registry().reset("pending::set").unwrap();
    assert_eq!(entry("pending::set").unwrap().rates, [Rate::per_minute(10)]);
}

#[tokio::test]
async fn applies_the_last_call_for_a_uid() {
    let parts = head(&midnight().0);
    for limit in [1, 2, 3] {
        let applied = registry().set_rate("pending::twice", Rate::per_minute(limit));
        assert_eq!(applied.unwrap(), Applied::Pending);
    }
    assert_eq!(
        pending("pending::twice").unwrap().rates,
        [Rate::per_minute(3)]
    );
    assert_eq!(Twice::hit(&parts).await.unwrap().limit, 3);
}

#[tokio::test]
async fn counts_no_hit_of_a_throttle_that_was_disabled_before_its_first_use() {
    let parts = head(&midnight().0);
    let applied = registry().disable("pending::off").unwrap();
    assert_eq!(applied, Applied::Pending);
    assert_eq!(pending("pending::off").unwrap().enabled, Some(false));
    assert_eq!(Off::hit(&parts).await.unwrap().remaining, u64::MAX);
    assert_eq!(registry().enable("pending::off").unwrap(), Applied::Now);
    assert_eq!(Off::hit(&parts).await.unwrap().remaining, 9);
}

#[tokio::test]
async fn revokes_pending_changes_by_enable_and_reset() {
    let parts = head(&midnight().0);
    registry().disable("pending::on_again").unwrap();
    let applied = registry().enable("pending::on_again").unwrap();
    assert_eq!(applied, Applied::Pending);
    assert_eq!(pending("pending::on_again"), None);
    assert_eq!(OnAgain::hit(&parts).await.unwrap().remaining, 9);

    registry().disable("pending::reset").unwrap();
    registry()
        .set_rate("pending::reset", Rate::per_minute(1))
        .unwrap();
    let applied = registry().reset("pending::reset").unwrap();
    assert_eq!(applied, Applied::Pending);
    assert_eq!(pending("pending::reset"), None);
    assert_eq!(Reset::hit(&parts).await.unwrap().remaining, 9);
}

#[test]
fn lists_a_misspelt_uid_with_the_nearest() {
    let _throttle = build("pending::uploads", midnight().0);
    let applied = registry().set_rate("pending::upload", Rate::per_minute(1));
    assert_eq!(applied.unwrap(), Applied::Pending);
    let waits = pending("pending::upload").unwrap();
    assert_eq!(waits.suggestion.as_deref(), Some("pending::uploads"));
    registry().reset("pending::upload").unwrap();
    assert_eq!(pending("pending::upload"), None);

    registry().enable("pending::uploads ").unwrap();
    let waits = pending("pending::uploads ").unwrap();
    assert_eq!(waits.suggestion.as_deref(), Some("pending::uploads"));
    registry().reset("pending::uploads ").unwrap();
}

#[test]
fn refuses_impossible_changes_at_once() {
    let empty = registry().set_rate("pending::empty", vec![]).unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::Configuration);
    assert_eq!(
        empty.to_string(),
        "throttle `pending::empty` cannot work: its list of rates is empty; add a rate, or use `disable`"
    );
    assert_eq!(pending("pending::empty"), None);
    let long = "x".repeat(256);
    for error in [
        registry().set_rate(&long, Rate::per_minute(1)).unwrap_err(),
        registry().disable(&long).unwrap_err(),
    ] {
        assert!(error.to_string().contains("the maximum is 255"), "{error}");
    }
    assert_eq!(pending(&long), None);
}

#[tokio::test]
async fn lists_impossible_rates_with_the_reason() {
    registry()
        .set_rate("pending::strict", Rate::per_minute(5))
        .unwrap();
    let builder = DynThrottle::builder("pending::strict").rate(Rate::per_minute(100));
    let builder = builder.strategy(Tiered::new().tier("free", 0.1).default_tier("free"));
    let throttle = builder.backend(midnight().0).build().unwrap();
    let decision = throttle.hit(&Identity::new("user"), 1).await.unwrap();
    assert_eq!(decision.limit, 10);
    let waits = pending("pending::strict").unwrap();
    assert_eq!(waits.rates, [Rate::per_minute(5)]);
    let refused = waits.refused.unwrap();
    assert!(refused.contains("rounds below 1"), "{refused}");
    registry()
        .set_rate("pending::strict", Rate::per_minute(200))
        .unwrap();
    assert_eq!(pending("pending::strict"), None);
}

/// A change applies to the one throttle that it waited for.
#[tokio::test]
async fn applies_a_change_to_one_throttle() {
    registry()
        .set_rate("pending::tenant", Rate::per_minute(3))
        .unwrap();
    let first = build("pending::tenant", midnight().0);
    let other = build("pending::tenant", midnight().0);
    let user = Identity::new("user");
    assert_eq!(first.hit(&user, 1).await.unwrap().limit, 3);
    assert_eq!(other.hit(&user, 1).await.unwrap().limit, 10);
    drop((first, other));
    let third = build("pending::tenant", midnight().0);
    assert_eq!(third.hit(&user, 1).await.unwrap().limit, 10);
}

#[test]
fn registers_the_throttles_of_a_layer_when_it_is_built() {
    for uid in ["pending::layered", "pending::selected", "pending::second"] {
        assert_eq!(entry(uid), None);
    }
    let _layer = ThrottleLayer::new()
        .throttle::<Layered>()
        .throttle_when::<(Selected, Second)>(filter::path("/a"));
    for uid in ["pending::layered", "pending::selected", "pending::second"] {
        let applied = registry().set_rate(uid, Rate::per_minute(1)).unwrap();
        assert_eq!(applied, Applied::Now, "{uid}");
        assert_eq!(entry(uid).unwrap().rates, [Rate::per_minute(1)]);
    }
}

/// A change and a first use at the same time: the change is either kept or applied.
#[test]
fn loses_no_change_during_the_first_use() {
    for round in 0..200 {
        let uid = format!("pending::race {round}");
        let backend = midnight().0;
        let throttle = std::thread::scope(|scope| {
            let built = scope.spawn(|| build(&uid, backend));
            registry().set_rate(&uid, Rate::per_minute(3)).unwrap();
            built.join().unwrap()
        });
        assert_eq!(entry(&uid).unwrap().rates, [Rate::per_minute(3)], "{uid}");
        assert_eq!(pending(&uid), None);
        drop(throttle);
    }
}
