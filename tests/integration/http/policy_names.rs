//! `policy`: the name of a throttle in everything that clients read.

use axum::Router;
use axum::routing::get;
use traffik::{Backend, DynThrottle, ErrorKind, HeaderStyle, Identity, Rate, provide, throttled};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, midnight};

traffik::throttles! {
    throttle InternalWrites(rate = "2/minute", identifier = everyone, policy = "inserts");
    throttle OtherWrites(rate = "9/minute", identifier = everyone, policy = "inserts");
}

#[throttled(InternalWrites)]
async fn shared() {}

#[throttled(rate = "3/minute", identifier = everyone, policy = "lookups, by größe")]
async fn handler_of_its_own() {}

#[throttled(rate = ["3/s", "9/minute"], identifier = everyone, policy = "lookups")]
async fn several_rates() {}

#[throttled(InternalWrites, OtherWrites)]
async fn two_of_one_name() {}

async fn serve(path: &str, routes: Router) -> Server {
    let (backend, _) = midnight();
    let server = Server::start(routes.layer(provide(backend))).await;
    assert_eq!(server.get(path).await.status, 200);
    server
}

#[tokio::test]
async fn names_the_policy_in_fields_and_problems() {
    let server = serve("/", Router::new().route("/", get(shared))).await;
    let response = server.get("/").await;
    assert_eq!(response.policies, [QuotaPolicy::new("inserts", 2, 60)]);
    assert_eq!(response.limits, [ServiceLimit::new("inserts", 0, 60)]);
    let refused = server.get("/").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["violated-policies"][0], "inserts");
    assert!(!refused.body.contains("InternalWrites"), "{}", refused.body);
}

#[tokio::test]
async fn encodes_a_policy_like_a_name() {
    let server = serve("/", Router::new().route("/", get(handler_of_its_own))).await;
    let policies = server.get("/").await.policies;
    let name = "lookups, by gr%C3%B6%C3%9Fe";
    assert_eq!(policies, [QuotaPolicy::new(name, 3, 60)]);
}

#[tokio::test]
async fn makes_policies_of_one_field_differ() {
    let server = serve("/", Router::new().route("/", get(several_rates))).await;
    let policies = server.get("/").await.policies;
    let names = [
        QuotaPolicy::new("lookups 3/s", 3, 1),
        QuotaPolicy::new("lookups 9/m", 9, 60),
    ];
    assert_eq!(policies, names);
    let server = serve("/", Router::new().route("/", get(two_of_one_name))).await;
    let policies = server.get("/").await.policies;
    let names = [
        QuotaPolicy::new("inserts", 2, 60),
        QuotaPolicy::new("inserts-2", 9, 60),
    ];
    assert_eq!(policies, names);
}

#[tokio::test]
async fn names_the_policy_of_a_throttle_built_at_run_time() {
    let builder = DynThrottle::builder("tenant-7/inserts").policy("inserts");
    let builder = builder.rate(Rate::per_minute(2)).backend(Backend::memory());
    let throttle = builder.build().unwrap();
    let client = Identity::new("user:7");
    let stat = throttle.stat(&client).await.unwrap();
    assert_eq!(stat.uid, "tenant-7/inserts");
    let fields = stat.headers(HeaderStyle::Ietf);
    assert_eq!(fields["ratelimit-policy"], "\"inserts\";q=2;w=60");
    let mut entries = traffik::registry().list().into_iter();
    let entry = entries.find(|entry| entry.uid == stat.uid).unwrap();
    assert_eq!(entry.name, "inserts");
}

#[test]
fn refuses_an_empty_policy() {
    for (policy, message) in [
        ("", "its policy name is empty"),
        (&*"x".repeat(256), "its policy has 256 bytes"),
    ] {
        let builder = DynThrottle::builder("inserts").policy(policy);
        let built = builder.rate(Rate::per_minute(2)).build();
        let error = built.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(message), "{error}");
    }
}
