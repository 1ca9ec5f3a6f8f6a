//! Handlers that a macro of the application generates.

use axum::extract::Path;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http::Method;
use traffik::throttled;

use super::{counts, counts_get};

macro_rules! handler {
    ($(#[$attribute:meta])* $visibility:vis $name:ident($($argument:pat => $ty:ty),*) { $($body:tt)* }) => {
        #[throttled(rate = "1/minute")]
        $(#[$attribute])*
        $visibility async fn $name($($argument: $ty),*) -> String { $($body)* }
    };
}

handler! {
    /// Built from tokens of the caller.
    pub(crate) written(gate => Method, Path(out) => Path<u8>, parts => String) {
        format!("{gate} {out} {parts}")
    }
}

macro_rules! own_names {
    ($name:ident = $rate:literal, $strategy:ident, $text:expr) => {
        #[throttled(rate = $rate, strategy = $strategy)]
        async fn $name(gate: Method, body: String) -> String {
            let out = $text;
            format!("{gate} {body} {out}")
        }
    };
}

own_names!(made = "1/minute", token_bucket, "made");

macro_rules! all_of_it {
    ($attribute:meta) => {
        #[$attribute]
        async fn whole() -> &'static str {
            "whole"
        }
    };
}

all_of_it!(throttled(rate = "1/minute"));

macro_rules! uses {
    ($name:ident, $($throttle:path),+) => {
        #[throttled($($throttle),+)]
        async fn $name() -> &'static str {
            stringify!($name)
        }
    };
}

macro_rules! block {
    ($($name:ident = $rate:expr),+) => {
        traffik::throttles! {
            $(pub(crate) throttle $name(rate = $rate);)+
        }
    };
}

mod shared {
    block!(One = "1/minute", Two = "2/minute");
}

uses!(pair, shared::One, shared::Two);

#[tokio::test]
async fn accepts_tokens_that_a_macro_passes_on() {
    counts(post(written), Method::POST, "body", "POST 7 body").await;
    counts_get(get(whole), "whole").await;
}

#[tokio::test]
async fn accepts_names_that_a_macro_defines() {
    counts(post(made), Method::POST, "body", "POST body made").await;
}

#[tokio::test]
async fn accepts_throttles_that_a_macro_defines() {
    counts_get(get(pair), "pair").await;
}

macro_rules! with_body {
    ($name:ident, $body:block) => {
        #[throttled(rate = "1/minute")]
        async fn $name() -> impl IntoResponse $body
    };
}

with_body!(bodied, { "bodied" });

#[tokio::test]
async fn accepts_a_body_that_a_macro_passes_on() {
    counts_get(get(bodied), "bodied").await;
}
