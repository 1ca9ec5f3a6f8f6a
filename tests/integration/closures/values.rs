//! Return values of closures: any identity, any unsigned integer, async or not, fallible or not.

use std::num::ParseIntError;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use traffik::{Identity, Throttle as _, ThrottleLayer, throttled};

use super::{Order, app, got, left, posted};

#[throttled(rate = "10/minute", cost = |payload| payload.items.len())]
async fn priced(Json(payload): Json<Order>) -> String {
    format!("{} ordered {:?}", payload.user, payload.items)
}

#[throttled(rate = "10/minute", identifier = |payload| payload.user.as_str(), cost = |payload| payload.items.iter().sum::<u32>())]
async fn both(Json(payload): Json<Order>) -> usize_text::Text {
    usize_text::of(payload.items.len())
}

mod usize_text {
    pub(super) type Text = String;

    pub(super) fn of(number: usize) -> Text {
        number.to_string()
    }
}

#[throttled(rate = "2/minute", identifier = |name| name)]
async fn borrowed(Path(name): Path<String>) -> String {
    name
}

#[throttled(rate = "10/minute", identifier = async |id, State(offset)| who(*id, *offset).await, cost = |id| Ok::<_, ParseIntError>("3".parse::<u8>()? + id))]
async fn awaited(State(offset): State<u64>, Path(id): Path<u8>, _headers: HeaderMap) -> String {
    (offset + u64::from(id)).to_string()
}

async fn who(id: u8, offset: u64) -> Result<Identity, String> {
    tokio::task::yield_now().await;
    if id == 9 {
        return Err("this number does not exist".to_owned());
    }
    Ok(Identity::from(u64::from(id) + offset))
}

#[throttled(
    rate = "10/minute",
    identifier = everyone,
    cost = |kind| match kind.as_str() {
        "small" => 1,
        "large" => 2 * 3,
        _ => return 5,
    }
)]
async fn numbers(Path(kind): Path<String>) -> String {
    kind
}

#[throttled(rate = "10/minute", identifier = by_function, cost = |id| if *id > 5 { 2 } else { 1 })]
async fn one_closure(Path(id): Path<u8>, _headers: HeaderMap) -> String {
    id.to_string()
}

fn by_function(_: &http::request::Parts) -> &'static str {
    "function"
}

#[throttled(rate = "10/minute", identifier = |id| async move { Identity::from(*id) }, cost = 4)]
async fn future(Path(id): Path<u64>) {
    assert!(id > 0);
}

#[throttled(rate = "10/minute", cost = || price())]
async fn of_nothing() {}

const fn price() -> u8 {
    7
}

fn routes() -> Router {
    let router = Router::new()
        .route("/priced", post(priced))
        .route("/both", post(both))
        .route("/borrowed/{name}", get(borrowed))
        .route("/awaited/{id}", get(awaited))
        .route("/numbers/{kind}", get(numbers))
        .route("/one/{id}", get(one_closure))
        .route("/future/{id}", get(future))
        .route("/nothing", get(of_nothing));
    app(router.with_state(100))
}

#[tokio::test]
async fn charges_a_cost_from_the_payload() {
    let app = routes();
    let three = r#"{"user": "ann", "items": [1, 2, 3]}"#;
    let response = posted(&app, "/priced", three).await;
    assert_eq!(response.body, "ann ordered [1, 2, 3]");
    assert_eq!(left(&response), Some(7));
    assert_eq!(left(&posted(&app, "/priced", three).await), Some(4));
    assert_eq!(left(&posted(&app, "/priced", three).await), Some(1));
    assert_eq!(posted(&app, "/priced", three).await.status, 429);
    let one = r#"{"user": "ann", "items": [1]}"#;
    assert_eq!(left(&posted(&app, "/priced", one).await), Some(0));
}

#[tokio::test]
async fn reads_one_argument_for_the_identifier_and_the_cost() {
    let app = routes();
    let order = |user: &str| format!(r#"{{"user": "{user}", "items": [1, 5]}}"#);
    assert_eq!(left(&posted(&app, "/both", &order("ann")).await), Some(4));
    assert_eq!(left(&posted(&app, "/both", &order("bob")).await), Some(4));
    assert_eq!(posted(&app, "/both", &order("ann")).await.status, 429);
}

#[tokio::test]
async fn accepts_a_borrowed_identity() {
    let app = routes();
    for (path, status) in [("ann", 200), ("bob", 200), ("ann", 200), ("ann", 429)] {
        let response = got(&app, &format!("/borrowed/{path}")).await;
        assert_eq!(response.status, status, "{path}");
    }
}

#[tokio::test]
async fn accepts_async_and_fallible_closures() {
    let app = routes();
    assert_eq!(left(&got(&app, "/awaited/1").await), Some(6));
    assert_eq!(left(&got(&app, "/awaited/1").await), Some(2));
    assert_eq!(got(&app, "/awaited/1").await.status, 429);
    assert_eq!(left(&got(&app, "/awaited/2").await), Some(5));
    let failed = got(&app, "/awaited/9").await;
    assert_eq!(failed.status, 500);
    assert!(!failed.body.contains("nobody"));
    assert_eq!(left(&got(&app, "/future/1").await), Some(6));
}

#[tokio::test]
async fn accepts_integer_literals_as_costs() {
    let app = routes();
    assert_eq!(left(&got(&app, "/numbers/small").await), Some(9));
    assert_eq!(left(&got(&app, "/numbers/large").await), Some(3));
    assert_eq!(got(&app, "/numbers/other").await.status, 429);
    assert_eq!(left(&got(&app, "/one/9").await), Some(8));
    assert_eq!(left(&got(&app, "/one/1").await), Some(7));
    assert_eq!(left(&got(&app, "/nothing").await), Some(3));
}

#[tokio::test]
async fn explains_that_a_closure_needs_its_handler() {
    let parts = traffik_tests::head(&traffik_tests::midnight().0);
    let error = both::hit(&parts).await.unwrap_err();
    assert_eq!(error.kind(), traffik::ErrorKind::Configuration);
    assert!(
        error.to_string().ends_with(
            "its `identifier` is a closure over its handler's arguments, which are not known here; \
             make it a function of the request's parts"
        ),
        "{error}"
    );
    let error = priced::hit(&parts).await.unwrap_err();
    assert!(
        error.to_string().contains("name one, as `hit_cost`"),
        "{error}"
    );
    assert!(priced::hit_cost(&parts, 10).await.unwrap().admitted);
    assert_eq!(priced::stat(&parts).await.unwrap().hits_remaining, 0);
}

#[tokio::test]
async fn responds_with_an_error_where_a_layer_has_no_arguments_for_a_closure() {
    let page = || get(async || "page");
    let priced = page().layer(ThrottleLayer::new().throttle::<priced>());
    let both = page().layer(ThrottleLayer::new().throttle::<(one_closure, both)>());
    let app = app(Router::new().route("/priced", priced).route("/both", both));
    for path in ["/priced", "/both"] {
        assert_eq!(got(&app, path).await.status, 500, "{path}");
    }
}
