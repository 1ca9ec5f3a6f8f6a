//! Listeners: each decision is reported to every listener.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderValue;
use http::request::Parts;
use traffik::failure::{allow, raise, throttle};
use traffik::registry::{Event, Listener, Outcome};
use traffik::{Backend, DynThrottle, Identity, Rate, Throttle as _, registry};
use traffik_tests::{head, midnight, peer};

traffik::throttles! {
    throttle Strict(rate = "2/minute", uid = "events::strict");
    throttle Headed(rate = "2/minute", uid = "events-of-users", identifier = everyone);
    throttle Loose(rate = ["3/second", "4/hour"], uid = "events::loose");
}

type Events = Arc<Mutex<Vec<(String, Outcome, u64, Option<u64>)>>>;

/// Records the events of throttles whose uids begin with a prefix.
fn listen(prefix: &'static str) -> (Events, Listener) {
    let events = Events::default();
    let all = events.clone();
    let listener = registry().subscribe(move |event: &Event<'_>| {
        if event.uid.starts_with(prefix) {
            let remaining = event.report.map(|report| report.remaining);
            all.lock()
                .unwrap()
                .push((event.uid.to_owned(), event.outcome, event.cost, remaining));
        }
    });
    (events, listener)
}

fn drain(events: &Events) -> Vec<(String, Outcome, u64, Option<u64>)> {
    std::mem::take(&mut events.lock().unwrap())
}

#[tokio::test]
async fn reports_a_decision_for_each_throttle() {
    use Outcome::{Admitted, Refused};
    let parts = head(&midnight().0);
    let (events, listener) = listen("events::");
    let (strict, loose) = ("events::strict".to_owned(), "events::loose".to_owned());

    Strict::hit(&parts).await.unwrap();
    assert_eq!(drain(&events), [(strict.clone(), Admitted, 1, Some(1))]);
    <(Strict, Loose)>::hit(&parts).await.unwrap();
    // Of several rates, the one that binds.
    let both = [
        (strict.clone(), Admitted, 1, Some(0)),
        (loose, Admitted, 1, Some(2)),
    ];
    assert_eq!(drain(&events), both);
    // Of a refused set, the members that refused.
    <(Strict, Loose)>::hit_cost(&parts, 2).await.unwrap();
    assert_eq!(drain(&events), [(strict.clone(), Refused, 2, Some(0))]);

    Strict::check(&parts, 1).await.unwrap();
    Strict::stat(&parts).await.unwrap();
    registry().disable("events::strict").unwrap();
    Strict::hit(&parts).await.unwrap();
    assert_eq!(drain(&events), []);
    registry().enable("events::strict").unwrap();

    listener.stop();
    Strict::hit(&parts).await.unwrap();
    assert_eq!(drain(&events), []);
}

#[tokio::test]
async fn contains_the_client_and_the_cost() {
    let parts = head(&midnight().0);
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let all = recorded.clone();
    let listener = registry().subscribe(move |event| {
        if event.uid == "events-of-users" {
            let path = event.parts.map(|parts| parts.uri.path().to_owned());
            all.lock().unwrap().push((event.identity.clone(), path));
        }
    });
    Headed::hit(&parts).await.unwrap();
    assert_eq!(
        *recorded.lock().unwrap(),
        [(Identity::everyone(), Some("/".to_owned()))]
    );
    let builder = DynThrottle::builder("events-of-users").rate(Rate::per_minute(2));
    let throttle = builder.backend(midnight().0).build().unwrap();
    let user = Identity::new("user");
    throttle.hit(&user, 1).await.unwrap();
    throttle.hit(&Identity::Exempt, 1).await.unwrap();
    assert_eq!(recorded.lock().unwrap()[1..], [(user, None)]);
    listener.stop();
}

#[tokio::test]
async fn reports_failures_by_their_outcome() {
    let (events, listener) = listen("failing");
    let user = Identity::new("user");
    let nowhere = Backend::redis("redis://127.0.0.1:1/").lazy();
    let builder = |uid: &str| {
        let builder = DynThrottle::builder(uid).rate(Rate::per_hour(1));
        builder
            .backend(nowhere.clone())
            .timeout(Duration::from_secs(10))
    };
    let throttles = [
        builder("failing-allowed").on_error(allow()),
        builder("failing-throttled").on_error(throttle()),
        builder("failing-raised").on_error(raise()),
    ];
    for throttle in throttles {
        let _ = throttle.build().unwrap().hit(&user, 1).await;
    }
    let outcomes = drain(&events)
        .into_iter()
        .map(|(_, outcome, _, report)| (outcome, report));
    let expected =
        [Outcome::Allowed, Outcome::Throttled, Outcome::Raised].map(|outcome| (outcome, None));
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    listener.stop();
}

/// A listener may use the registry, throttles and other listeners.
#[tokio::test]
async fn lets_listeners_change_the_registry() {
    let builder = DynThrottle::builder("events-that-change").rate(Rate::per_hour(1));
    let throttle = builder.backend(midnight().0).build().unwrap();
    let listener = registry().subscribe(|event| {
        if event.uid == "events-that-change" && event.outcome == Outcome::Refused {
            registry().set_rate(event.uid, Rate::per_hour(5)).unwrap();
            registry().subscribe(|_| ()).stop();
        }
    });
    let user = Identity::new("user");
    let mut admitted = Vec::new();
    for _ in 0..3 {
        admitted.push(throttle.hit(&user, 1).await.unwrap().admitted);
    }
    assert_eq!(admitted, [true, false, true]);
    listener.stop();
}

/// Returns the addresses and the texts that listeners get for a refused client.
async fn refused_as(uid: &'static str, request: &Parts) -> Vec<(Option<IpAddr>, String)> {
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let all = recorded.clone();
    let listener = registry().subscribe(move |event| {
        if event.uid == uid && event.outcome == Outcome::Refused {
            let client = (event.client.address(), event.client.to_string());
            all.lock().unwrap().push(client);
        }
    });
    match uid {
        "events-by-ip" => drop(ByIp::hit_cost(request, 9).await.unwrap()),
        "events-by-ip-in-a-set" => {
            let _ = <(ByIpInSet, LooseInSet)>::hit_cost(request, 9)
                .await
                .unwrap();
        }
        _ => drop(ByHeader::hit_cost(request, 9).await.unwrap()),
    }
    listener.stop();
    std::mem::take(&mut *recorded.lock().unwrap())
}

traffik::throttles! {
    throttle ByIp(rate = "2/minute", uid = "events-by-ip", identifier = ip);
    throttle ByIpInSet(rate = "2/minute", uid = "events-by-ip-in-a-set", identifier = ip);
    throttle LooseInSet(rate = ["3/second", "4/hour"], uid = "loose-in-a-set-of-events");
    throttle ByHeader(rate = "2/minute", uid = "events-by-header", identifier = header("x-api-key"));
}

#[tokio::test]
async fn names_the_resolved_client() {
    let proxied = midnight().0.trusted_proxies(["192.0.2.0/24"]);
    let mut request = head(&proxied);
    request.extensions.insert(peer("192.0.2.1:1"));
    let forwarded = "203.0.113.7".parse().unwrap();
    request
        .headers
        .insert("x-forwarded-for", "203.0.113.7".parse().unwrap());
    let by_address = [(Some(forwarded), "203.0.113.7".to_owned())];
    assert_eq!(refused_as("events-by-ip", &request).await, by_address);
    assert_eq!(
        refused_as("events-by-ip-in-a-set", &request).await,
        by_address
    );
    let without = "203.0.113.7 (no header)".to_owned();
    assert_eq!(
        refused_as("events-by-header", &request).await,
        [(Some(forwarded), without)]
    );
    let value = HeaderValue::from_bytes("key-ü\t\u{202e}".as_bytes()).unwrap();
    request.headers.insert("x-api-key", value);
    let key = r"key-ü\t\u{202e}".to_owned();
    assert_eq!(
        refused_as("events-by-header", &request).await,
        [(None, key)]
    );
}
