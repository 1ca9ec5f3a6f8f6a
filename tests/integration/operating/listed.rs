//! The list of the registry.

use http::request::Parts;
use traffik::{Backend, DynThrottle, Rate, Throttle as _};
use traffik_tests::{head, midnight};

use super::entry;

fn per_request(_: &Parts) -> Rate {
    Rate::per_hour(9)
}

fn tenant(_: &Parts) -> String {
    "tenant".to_owned()
}

traffik::throttles! {
    throttle Constant(rate = ["10/s", "100/m"], strategy = token_bucket, uid = "listed::constant");
    throttle PerRequest(rate = per_request, scope = route, uid = "listed::per_request");
    throttle Named(rate = "1/s", scope = "reports", uid = "listed::named");
    throttle Owned(rate = "1/s", scope = tenant, uid = "listed::owned");
}

#[tokio::test]
async fn lists_a_throttle_after_its_first_use() {
    let parts = head(&midnight().0);
    assert_eq!(entry("listed::constant"), None);
    Constant::stat(&parts).await.unwrap();
    let json = serde_json::to_value(entry("listed::constant").unwrap()).unwrap();
    let place = json["place"].as_str().unwrap().to_owned();
    assert!(place.contains("listed.rs:"), "{place}");
    let expected = serde_json::json!({
        "uid": "listed::constant",
        "name": "Constant",
        "rates": ["10/s", "100/m"],
        "defined_rates": ["10/s", "100/m"],
        "strategy": "token_bucket",
        "scope": "throttle",
        "enabled": true,
        "lease": null,
        "place": place,
    });
    assert_eq!(json, expected);
}

/// The number of lines above a definition.
const ABOVE: u32 = line!();

macro_rules! of_a_macro {
    ($($name:ident = $uid:literal)*) => {
        traffik::throttles! { $(throttle $name(rate = "1/s", uid = $uid);)* }
    };
}

traffik::throttles! {
    throttle First(rate = "1/s", uid = "listed::first");
    /// A definition below its documentation.
    #[allow(missing_docs)]
    throttle
        Second(rate = "1/s", uid = "listed::second");
}

of_a_macro!(
    Third = "listed::third"
    Fourth = "listed::fourth"
);

#[traffik::throttled(rate = "1/s", uid = "listed::fifth")]
async fn fifth() {}

#[tokio::test]
async fn lists_each_throttle_of_a_block_at_its_own_line() {
    let parts = head(&midnight().0);
    First::stat(&parts).await.unwrap();
    Second::stat(&parts).await.unwrap();
    Third::stat(&parts).await.unwrap();
    Fourth::stat(&parts).await.unwrap();
    fifth::stat(&parts).await.unwrap();
    let _ = axum::routing::get::<_, _, ()>(fifth);
    let line = |uid: &str| {
        let place = entry(uid).unwrap().place.unwrap();
        let (_, line) = place.rsplit_once(':').unwrap();
        line.parse::<u32>().unwrap() - ABOVE
    };
    let uids = ["first", "second", "third", "fourth", "fifth"];
    let lines = uids.map(|name| line(&format!("listed::{name}")));
    assert_eq!(lines, [9, 13, 17, 18, 21]);
}

#[tokio::test]
async fn lists_scopes_as_written() {
    let parts = head(&midnight().0);
    PerRequest::check(&parts, 1).await.unwrap();
    Named::hit(&parts).await.unwrap();
    Owned::hit(&parts).await.unwrap();
    let per_request = entry("listed::per_request").unwrap();
    assert_eq!(
        (per_request.scope.as_str(), per_request.rates),
        ("route", vec![])
    );
    assert_eq!(entry("listed::named").unwrap().scope, "reports");
    assert_eq!(entry("listed::owned").unwrap().scope, "tenant");
}

#[test]
fn lists_a_built_throttle_until_it_is_dropped() {
    let build = |uid: &str| {
        let builder = DynThrottle::builder(uid).rate(Rate::per_hour(9));
        builder.backend(Backend::memory()).build().unwrap()
    };
    let (first, second) = (build("listed::made"), build("listed::made"));
    let made = entry("listed::made").expect("equal ones on several backends are one entry");
    assert!(made.place.unwrap().contains("listed.rs:"));
    drop(first);
    assert!(entry("listed::made").is_some());
    let clone = second.clone();
    drop(second);
    assert!(entry("listed::made").is_some());
    drop(clone);
    assert_eq!(entry("listed::made"), None);
}
