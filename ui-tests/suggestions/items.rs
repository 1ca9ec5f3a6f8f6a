//! Written by a test: every suggestion of a pinned message, where a user would put it.

#![allow(dead_code, deprecated, unused)]

mod prelude {
    //! The items of a user that suggestions name.

    pub use axum::extract::State;
    pub use axum::http::request::Parts;
    pub use traffik::strategy::{Hit, Strategy};
    pub use traffik::{
        Backend, Failure, Identity, Rate, Rejection, Report, Verdict, throttled, throttles,
    };

    throttles! {
        pub throttle Burst(rate = "50/s");
        pub throttle Sustained(rate = "500/h");
    }

    pub mod limits {
        pub use super::Burst as burst;
    }

    pub const LIMIT: Rate = Rate::per_minute(100);

    #[derive(Debug)]
    pub struct MyStrategy;

    impl MyStrategy {
        pub const fn new() -> Self {
            Self
        }
    }

    impl Strategy for MyStrategy {
        type State = u64;
        type Metadata = ();

        fn name(&self) -> &'static str {
            "mine"
        }

        fn decide(&self, _: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
            Some(hit.now)
        }

        fn report(&self, _: Option<&u64>, _: &Hit<'_>) -> Report {
            Report::default()
        }

        fn metadata(&self, _: Option<&u64>, _: &Hit<'_>) {}
    }

    pub mod my {
        pub use super::MyStrategy as Strategy;
    }

    pub const LEAK: MyStrategy = MyStrategy;

    pub const fn my_strategy() -> MyStrategy {
        MyStrategy
    }

    pub fn local() -> Backend {
        Backend::memory()
    }

    pub fn current_load() -> f64 {
        0.5
    }

    pub fn user_id(_: &Parts) -> Identity {
        Identity::new("user")
    }

    pub use user_id as reader;
    pub use user_id as client;

    pub fn price(_: &Parts) -> u64 {
        1
    }

    pub fn plan_rate(_: &Parts) -> Rate {
        LIMIT
    }

    pub mod plans {
        pub use super::plan_rate as rate;
    }

    pub fn tenant(_: &Parts) -> String {
        "eu".to_owned()
    }

    pub fn is_write(parts: &Parts) -> bool {
        !parts.method.is_safe()
    }

    pub use is_write as is_internal;

    pub async fn handler(_: &Failure<'_>) -> Verdict {
        Verdict::Allow
    }

    pub fn my_response(_: &Rejection) -> &'static str {
        "slow down"
    }

    pub use my_response as slow_down;
}

fn main() {}
