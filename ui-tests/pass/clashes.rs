//! User names that could clash with generated code.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(non_camel_case_types)]

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::routing::get;

mod core {}
mod std {}
mod alloc {}

mod names {
    //! Items with the names of the prelude and of the runtime.
    #![allow(dead_code, non_snake_case, unreachable_pub)]

    pub struct Option;
    pub struct Result;
    pub struct Response;
    pub struct ThrottleExtractor;
    pub struct Identity;
    pub struct Backend;
    pub struct Send;
    pub struct String;
    pub trait Future {}
    pub trait Define {}
    pub trait Throttle {}
    pub trait Debug {}
    pub const fn Some() {}
    pub const fn None() {}
    pub const fn Ok() {}
    pub const fn Err() {}
}

#[allow(unused_imports)]
use names::*;

#[traffik::throttled(rate = "5/s", identifier = parts, cost = cost, scope = scope, backend = backend())]
async fn functions() {}

async fn parts(parts: &Parts) -> traffik::Identity {
    traffik::Identity::new(parts.uri.to_string())
}

const fn cost(_: &Parts) -> u64 {
    1
}

const fn scope(_: &Parts) -> &'static str {
    "scope"
}

fn backend() -> traffik::Backend {
    traffik::Backend::memory()
}

#[traffik::throttled(rate = "5/s")]
async fn arguments(
    parts: Method,
    gate: Method,
    out: Method,
    hint: Method,
    __traffik: Method,
    r#type: Parts,
) -> ::std::string::String {
    format!("{parts}{gate}{out}{hint}{__traffik}{type:?}")
}

#[traffik::throttled(rate = "5/s")]
async fn r#match(Path(r#in): Path<u64>) -> ::std::string::String {
    r#in.to_string()
}

#[traffik::throttled(r#match, rate = "5/s", name = r#type)]
async fn raw_name() {}

#[traffik::throttled(rate = "5/s")]
async fn hello() {}

#[traffik::throttled(rate = "5/s")]
async fn hello_2() {}

macro_rules! handler {
    ($name:ident, $rate:literal, $limit:expr, $identifier:path, $argument:ident: $type:ty => $body:block) => {
        #[traffik::throttled(rate = $rate, cost = $limit, identifier = $identifier)]
        async fn $name($argument: $type) -> &'static str {
            let parts = "from the macro";
            let _ = parts;
            $body
        }
    };
    (shared $throttle:ident, $rate:literal) => {
        traffik::throttles! {
            /// From a macro.
            pub(crate) throttle $throttle(rate = $rate, identifier = parts);
        }
    };
    (uses $name:ident, $throttle:path) => {
        #[traffik::throttled($throttle)]
        async fn $name() {}
    };
}

handler!(from_a_macro, "5/s", 2, parts, method: Method => {
    match method.as_str() {
        "GET" => "get",
        _ => "other",
    }
});
handler!(shared FromAMacro, "5/s");
handler!(uses user_of_it, self::FromAMacro);

#[traffik::throttled(rate = "5/s")]
async fn state(State(parts): State<u8>, State(__traffik_gate): State<u8>) -> ::std::string::String {
    (parts + __traffik_gate).to_string()
}

mod primitives {
    //! Types with the names of built-in types.
    #![allow(dead_code, clippy::redundant_pub_crate)]

    use axum::http::request::Parts;
    use traffik::{Identity, throttled, throttles};

    struct u64;
    struct u32;
    struct usize;
    struct bool;
    struct str;
    struct char;
    struct String;
    struct Vec;
    struct Box;
    struct Option;
    struct Result;

    const fn yes(_: &Parts) -> ::core::primitive::bool {
        true
    }

    const fn price(_: &Parts) -> ::core::primitive::u64 {
        1
    }

    throttles! {
        /// With every function.
        pub(super) throttle Burst(rate = "5/s", only_if = yes, cost = price, identifier = everyone);
    }

    #[throttled(Burst, cost = 2, skip_if = yes)]
    pub(super) async fn uses() {}

    #[throttled(rate = "5/s", cost = |text| text.len(), identifier = |text| Identity::new(text), only_if = yes)]
    pub(super) async fn closures(text: ::std::string::String) -> ::std::string::String {
        text
    }
}

mod values {
    //! Constants, statics and unit structs with names that generated code might use.
    #![allow(dead_code, non_upper_case_globals, clippy::redundant_pub_crate)]

    use axum::extract::State;
    use axum::http::request::Parts;
    use traffik::{Identity, Rate, throttled};

    const cost: u64 = 1;
    static parts: u64 = 1;
    struct arguments;
    const identity: u64 = 1;
    const value: u64 = 1;
    static answer: u64 = 1;
    const kind: u64 = 1;
    const source: Rate = Rate::per_second(5);
    const hint: u64 = 1;
    static out: u64 = 1;
    struct gate;
    const hits: u64 = 1;
    const arg_values: u64 = 1;
    const argument_0: u64 = 1;
    const response: u64 = 1;

    const fn yes(_: &Parts) -> bool {
        true
    }

    const fn no(_: &Parts) -> bool {
        false
    }

    const fn price(_: &Parts) -> u64 {
        cost
    }

    async fn user(_: &Parts) -> Identity {
        Identity::new("user")
    }

    #[throttled(rate = source, cost = price, identifier = user, only_if = yes, skip_if = no, scope = scope)]
    pub(super) async fn functions() {}

    const fn scope(_: &Parts) -> &'static str {
        "scope"
    }

    #[throttled(rate = "5/s", cost = |text| text.len(), identifier = async |text| Identity::new(text.as_str()), only_if = yes)]
    pub(super) async fn closures(State(_): State<u8>, text: String) -> String {
        text
    }

    #[throttled(rate = "5/s")]
    #[throttled(rate = "9/s", name = Second, cost = price)]
    pub(super) async fn generic<T: Send + 'static>(State(state): State<u8>, _: T) -> String {
        state.to_string()
    }
}

fn main() {
    let _: Router<u8> = Router::new()
        .route("/1", get(functions))
        .route("/2", get(arguments))
        .route("/3/{in}", get(r#match))
        .route("/4", get(raw_name))
        .route("/5", get(hello))
        .route("/6", get(hello_2))
        .route("/7", get(from_a_macro))
        .route("/8", get(user_of_it))
        .route("/9", get(state))
        .route("/10", get(primitives::uses))
        .route("/11", get(primitives::closures))
        .route("/12", get(values::functions))
        .route("/13", get(values::closures))
        .route("/14", get(values::generic::<::std::string::String>));
}
