use http::request::Parts;
use traffik::{Backend, DynThrottle, Rate, Throttle as _};
use traffik_tests::{head, midnight};

use super::entry;

fn asked(_: &Parts) -> Rate {
    Rate::per_hour(9)
}

fn tenant(_: &Parts) -> String {
    "tenant".to_owned()
}

traffik::throttles! {
    throttle Plain(rate = ["10/s", "100/m"], strategy = token_bucket, uid = "listed::plain");
    throttle Asked(rate = asked, scope = route, uid = "listed::asked");
    throttle Named(rate = "1/s", scope = "reports", uid = "listed::named");
    throttle Owned(rate = "1/s", scope = tenant, uid = "listed::owned");
}

#[tokio::test]
async fn a_throttle_is_listed_once_it_was_used() {
    let parts = head(&midnight().0);
    assert_eq!(entry("listed::plain"), None);
    Plain::stat(&parts).await.unwrap();
    let json = serde_json::to_value(entry("listed::plain").unwrap()).unwrap();
    let place = json["place"].as_str().unwrap().to_owned();
    assert!(place.contains("listed.rs:"), "{place}");
    let expected = serde_json::json!({
        "uid": "listed::plain",
        "name": "Plain",
        "rates": ["10/s", "100/m"],
        "defined_rates": ["10/s", "100/m"],
        "strategy": "token_bucket",
        "scope": "throttle",
        "enabled": true,
        "place": place,
    });
    assert_eq!(json, expected);
}

#[tokio::test]
async fn scopes_are_told_as_they_are_written() {
    let parts = head(&midnight().0);
    Asked::check(&parts, 1).await.unwrap();
    Named::hit(&parts).await.unwrap();
    Owned::hit(&parts).await.unwrap();
    let asked = entry("listed::asked").unwrap();
    assert_eq!((asked.scope.as_str(), asked.rates), ("route", vec![]));
    assert_eq!(entry("listed::named").unwrap().scope, "reports");
    assert_eq!(entry("listed::owned").unwrap().scope, "tenant");
}

#[test]
fn one_made_at_run_time_is_listed_while_it_is_there() {
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
