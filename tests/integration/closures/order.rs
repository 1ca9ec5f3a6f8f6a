//! Head, closures, decision, body, handler; the body before the closures if, and only if, one names it.

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
            fn say<T>(&self, what: &'static str, value: T) -> T {
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

#[throttled(rate = "1/minute", identifier = |second| second.say("identifier", "me"), cost = |first| first.say("cost", 1_u8))]
async fn of_the_head(first: First, second: Second, _third: Third, whole: Whole) {
    first.say("handler", ());
    let _ = (second, whole);
}

#[throttled(rate = "1/minute", identifier = by_function, cost = |Whole(log)| { log.lock().unwrap().push("cost"); 1 })]
async fn of_the_body(first: First, Whole(log): Whole) {
    first.say("handler", ());
    let _ = log;
}

#[throttled(rate = "1/minute", skip_if = skipped, identifier = everyone, cost = |whole| { whole.0.lock().unwrap().push("cost"); 1 })]
async fn skipping(first: First, whole: Whole) {
    first.say("handler", ());
    let _ = whole;
}

#[throttled(rate = "1/minute", identifier = |third| third.say("identifier", "me"))]
async fn of_a_last_argument_from_the_head(first: First, third: Third) {
    first.say("handler", ());
    let _ = third;
}

fn served() -> (Router, Log) {
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

fn told(log: &Log) -> Vec<&'static str> {
    std::mem::take(&mut *log.lock().unwrap())
}

#[tokio::test]
async fn closures_over_the_head_are_asked_between_it_and_the_body() {
    let (app, log) = served();
    assert_eq!(posted(&app, "/head", "body").await.status, 200);
    let expected = ["First", "Second", "Third", "identifier", "cost"];
    assert_eq!(told(&log), [&expected[..], &["body", "handler"]].concat());
    assert_eq!(posted(&app, "/head", "body").await.status, 429);
    assert_eq!(told(&log), expected);
}

#[tokio::test]
async fn a_closure_that_names_the_body_is_asked_behind_it() {
    let (app, log) = served();
    assert_eq!(posted(&app, "/body", "body").await.status, 200);
    let expected = ["First", "body", "cost", "identifier"];
    assert_eq!(told(&log), [&expected[..], &["handler"]].concat());
    assert_eq!(posted(&app, "/body", "body").await.status, 429);
    assert_eq!(told(&log), expected);
    // What cannot be read costs nothing.
    assert_eq!(posted(&app, "/body", "").await.status, 400);
    assert_eq!(told(&log), ["First", "body"]);
}

#[tokio::test]
async fn closures_of_a_throttle_that_is_skipped_are_not_asked() {
    let (app, log) = served();
    let response = posted(&app, "/skipping?skip", "body").await;
    assert!(response.status == 200 && response.has_no_limit_fields());
    assert_eq!(told(&log), ["First", "predicate", "body", "handler"]);
    assert_eq!(posted(&app, "/skipping", "body").await.status, 200);
    assert_eq!(
        told(&log),
        ["First", "predicate", "body", "cost", "handler"]
    );
    assert_eq!(posted(&app, "/skipping", "body").await.status, 429);
}

#[tokio::test]
async fn the_last_argument_may_be_of_the_head() {
    let (app, log) = served();
    assert_eq!(posted(&app, "/last", "").await.status, 200);
    assert_eq!(told(&log), ["First", "Third", "identifier", "handler"]);
    assert_eq!(posted(&app, "/last", "").await.status, 429);
}
