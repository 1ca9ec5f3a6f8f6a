//! Order of evaluation: head, closures, decision, body, handler; the body before the closures if a
//! closure names it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::routing::{get, post};
use http::StatusCode;
use traffik::{Identity, throttled};

use super::{app, posted};

type Log = Arc<Mutex<Vec<&'static str>>>;

fn note(parts: &Parts, what: &'static str) {
    parts
        .extensions
        .get::<Log>()
        .unwrap()
        .lock()
        .unwrap()
        .push(what);
}

macro_rules! head {
    ($($name:ident),+) => {$(
        #[derive(Clone)]
        struct $name(Log);

        impl $name {
            fn note_and_return<T>(&self, what: &'static str, value: T) -> T {
                self.0.lock().unwrap().push(what);
                value
            }
        }

        impl<S: Sync> FromRequestParts<S> for $name {
            type Rejection = StatusCode;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
                note(parts, stringify!($name));
                if parts.headers.contains_key(stringify!($name)) {
                    return Err(StatusCode::IM_A_TEAPOT);
                }
                Ok(Self(parts.extensions.get::<Log>().unwrap().clone()))
            }
        }
    )+};
}

head!(First, Second, Third);

struct Whole(Log);

impl<S: Sync> FromRequest<S> for Whole {
    type Rejection = StatusCode;

    async fn from_request(request: Request, _: &S) -> Result<Self, StatusCode> {
        let (parts, body) = request.into_parts();
        note(&parts, "body");
        let body = axum::body::to_bytes(body, 100).await.unwrap();
        if body.is_empty() {
            return Err(StatusCode::BAD_REQUEST);
        }
        Ok(Self(parts.extensions.get::<Log>().unwrap().clone()))
    }
}

fn by_function(parts: &Parts) -> Identity {
    note(parts, "identifier");
    Identity::everyone()
}

fn skipped(parts: &Parts) -> bool {
    note(parts, "predicate");
    parts.uri.query() == Some("skip")
}

#[throttled(rate = "1/minute", identifier = |second| second.note_and_return("identifier", "me"), cost = |first| first.note_and_return("cost", 1_u8))]
async fn of_the_head(first: First, second: Second, _third: Third, whole: Whole) {
    first.note_and_return("handler", ());
    let _ = (second, whole);
}

#[throttled(rate = "1/minute", identifier = by_function, cost = |Whole(log)| { log.lock().unwrap().push("cost"); 1 })]
async fn of_the_body(first: First, Whole(log): Whole) {
    first.note_and_return("handler", ());
    let _ = log;
}

#[throttled(rate = "1/minute", skip_if = skipped, identifier = everyone, cost = |whole| { whole.0.lock().unwrap().push("cost"); 1 })]
async fn skipping(first: First, whole: Whole) {
    first.note_and_return("handler", ());
    let _ = whole;
}

#[throttled(rate = "1/minute", identifier = |third| third.note_and_return("identifier", "me"))]
async fn of_a_last_argument_from_the_head(first: First, third: Third) {
    first.note_and_return("handler", ());
    let _ = third;
}

fn routes() -> (Router, Log) {
    let log = Log::default();
    let router = Router::new()
        .route("/head", post(of_the_head))
        .route("/body", post(of_the_body))
        .route("/skipping", post(skipping))
        .route(
            "/last",
            get(of_a_last_argument_from_the_head).post(of_a_last_argument_from_the_head),
        );
    (app(router.layer(axum::Extension(log.clone()))), log)
}

fn drain(log: &Log) -> Vec<&'static str> {
    std::mem::take(&mut *log.lock().unwrap())
}

#[tokio::test]
async fn evaluates_closures_over_the_head_before_the_body() {
    let (app, log) = routes();
    assert_eq!(posted(&app, "/head", "body").await.status, 200);
    let expected = ["First", "Second", "Third", "identifier", "cost"];
    assert_eq!(drain(&log), [&expected[..], &["body", "handler"]].concat());
    assert_eq!(posted(&app, "/head", "body").await.status, 429);
    assert_eq!(drain(&log), expected);
}

#[tokio::test]
async fn evaluates_a_closure_over_the_body_after_the_body() {
    let (app, log) = routes();
    assert_eq!(posted(&app, "/body", "body").await.status, 200);
    let expected = ["First", "body", "cost", "identifier"];
    assert_eq!(drain(&log), [&expected[..], &["handler"]].concat());
    assert_eq!(posted(&app, "/body", "body").await.status, 429);
    assert_eq!(drain(&log), expected);
    // An unreadable body is not charged.
    assert_eq!(posted(&app, "/body", "").await.status, 400);
    assert_eq!(drain(&log), ["First", "body"]);
}

#[tokio::test]
async fn does_not_evaluate_closures_of_a_skipped_throttle() {
    let (app, log) = routes();
    let response = posted(&app, "/skipping?skip", "body").await;
    assert!(response.status == 200 && response.has_no_limit_fields());
    assert_eq!(drain(&log), ["First", "predicate", "body", "handler"]);
    assert_eq!(posted(&app, "/skipping", "body").await.status, 200);
    assert_eq!(
        drain(&log),
        ["First", "predicate", "body", "cost", "handler"]
    );
    assert_eq!(posted(&app, "/skipping", "body").await.status, 429);
}

#[tokio::test]
async fn accepts_a_last_argument_from_the_head() {
    let (app, log) = routes();
    assert_eq!(posted(&app, "/last", "").await.status, 200);
    assert_eq!(drain(&log), ["First", "Third", "identifier", "handler"]);
    assert_eq!(posted(&app, "/last", "").await.status, 429);
}
