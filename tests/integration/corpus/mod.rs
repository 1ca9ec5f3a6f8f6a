//! Handlers of every shape, in a program that allows no lint: each responds until its limit of two
//! is spent.

#![deny(warnings, let_underscore, nonstandard_style, rust_2018_idioms, unused)]
#![deny(
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    missing_debug_implementations,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(
    clippy::diverging_sub_expression,
    reason = "`debug_handler` makes one, also without `#[throttled]`"
)]

mod attributes;
mod closures;
mod extractors;
mod generics;
mod returns;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRef;
use axum::routing::MethodRouter;
use http::{Method, Request};
use tower::ServiceExt as _;
use traffik::provide;
use traffik_tests::{PEER, TestResponse, midnight, peer};

/// The state of the program.
#[derive(Clone, Debug)]
struct App {
    region: &'static str,
    names: Arc<Vec<String>>,
}

/// A part of the state.
#[derive(Clone, Debug)]
struct Region(&'static str);

impl FromRef<App> for Region {
    fn from_ref(app: &App) -> Self {
        Self(app.region)
    }
}

/// A handler, the request that is sent to it, and the expected response.
#[derive(Debug)]
struct Shape {
    name: &'static str,
    handler: MethodRouter<App>,
    method: Method,
    body: &'static str,
    status: u16,
    response: &'static str,
}

impl Shape {
    const fn get(name: &'static str, handler: MethodRouter<App>, response: &'static str) -> Self {
        Self {
            name,
            handler,
            method: Method::GET,
            body: "",
            status: 200,
            response,
        }
    }

    fn post(
        name: &'static str,
        handler: MethodRouter<App>,
        body: &'static str,
        response: &'static str,
    ) -> Self {
        Self {
            method: Method::POST,
            body,
            ..Self::get(name, handler, response)
        }
    }

    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    async fn check(self) {
        let app = App {
            region: "eu",
            names: Arc::new(vec!["ann".to_owned(), "bob".to_owned()]),
        };
        let router = Router::new().route("/{id}", self.handler).with_state(app);
        let router = router.layer(provide(midnight().0));
        for request_number in 1..=3 {
            let request = Request::builder()
                .method(self.method.clone())
                .uri("/7?page=3")
                .header("host", "example.org")
                .header("content-type", "application/json")
                .header("x-user", "ann")
                .extension(peer(PEER));
            let request = request.body(Body::from(self.body)).expect("a request");
            let response = router.clone().oneshot(request).await.expect("a response");
            let response = TestResponse::read(response).await;
            let expected = if request_number == 3 {
                429
            } else {
                self.status
            };
            assert_eq!(
                response.status, expected,
                "{} {request_number}: {}",
                self.name, response.body
            );
            assert_eq!(response.limits.len(), 1, "{}", self.name);
            if request_number < 3 {
                assert_eq!(response.body, self.response, "{}", self.name);
            }
        }
    }
}

#[tokio::test]
async fn compiles_every_shape_without_a_lint_and_limits_it() {
    let shapes = [
        attributes::shapes(),
        closures::shapes(),
        extractors::shapes(),
        generics::shapes(),
        returns::shapes(),
    ];
    let shapes: Vec<_> = shapes.into_iter().flatten().collect();
    assert!(shapes.len() >= 60, "{}", shapes.len());
    for shape in shapes {
        shape.check().await;
    }
}
