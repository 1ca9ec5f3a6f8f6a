//! Every value of every key.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::strategy::{Hit, Strategy};
use traffik::{Backend, Identity, Rate, Report, throttled};

const PER_MINUTE: Rate = Rate::per_minute(100);
static PER_HOUR: Rate = Rate::new(1000, Duration::from_secs(3600));

static OF_THE_ENVIRONMENT: LazyLock<Rate> = LazyLock::new(|| PER_HOUR);
static SHARED: LazyLock<Arc<Rate>> = LazyLock::new(|| Arc::new(PER_HOUR));
static ZONE: LazyLock<String> = LazyLock::new(|| "eu".to_owned());

const fn of_a_static(_: &Parts) -> &'static Rate {
    &PER_HOUR
}

const fn by_plan(_: &Parts) -> Rate {
    PER_MINUTE
}

async fn by_tenant(_: &Parts) -> Result<Rate, Infallible> {
    Ok(PER_HOUR)
}

#[throttled(rate = "5/10s")]
async fn rate_string() {}

#[throttled(rate = ["10/second", "1000/hour"])]
async fn rate_list() {}

#[throttled(rate = "0/0")]
async fn rate_unlimited() {}

#[throttled(rate = PER_MINUTE)]
async fn rate_const() {}

#[throttled(rate = self::PER_HOUR)]
async fn rate_static() {}

#[throttled(rate = OF_THE_ENVIRONMENT, scope = ZONE)]
async fn rate_lazy() {}

#[throttled(rate = SHARED)]
async fn rate_shared() {}

#[throttled(rate = of_a_static)]
async fn rate_lent() {}

#[throttled(rate = by_plan)]
async fn rate_function() {}

#[throttled(rate = by_tenant)]
async fn rate_async_function() {}

#[throttled(rate = "5/s", strategy = "sliding_counter")]
async fn strategy_string() {}

#[throttled(rate = "5/s", strategy = gcra)]
async fn strategy_word() {}

#[throttled(rate = "5/s", strategy = token_bucket(burst = 8, debt = 1_0))]
async fn strategy_parameters() {}

#[throttled(rate = "5/s", strategy = gcra(burst_tolerance = "100ms",))]
async fn strategy_duration() {}

#[derive(Debug)]
struct Open {
    width: u8,
}

impl Open {
    const fn new() -> Self {
        Self { width: 1 }
    }

    const fn wide(self) -> Self {
        Self {
            width: self.width + 1,
        }
    }
}

const OPEN: Open = Open::new();

impl Strategy for Open {
    type State = u64;
    type Metadata = ();

    fn name(&self) -> &'static str {
        "open"
    }

    fn decide(&self, _: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
        Some(hit.now)
    }

    fn report(&self, _: Option<&u64>, _: &Hit<'_>) -> Report {
        Report::default()
    }

    fn metadata(&self, _: Option<&u64>, _: &Hit<'_>) {}
}

#[derive(Debug)]
struct Wide(u8);

impl Strategy for Wide {
    type State = u64;
    type Metadata = ();

    fn name(&self) -> &'static str {
        "wide"
    }

    fn decide(&self, _: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
        Some(hit.now + u64::from(self.0))
    }

    fn report(&self, _: Option<&u64>, _: &Hit<'_>) -> Report {
        Report::default()
    }

    fn metadata(&self, _: Option<&u64>, _: &Hit<'_>) {}
}

#[throttled(rate = "5/s", strategy = custom(Wide(2)))]
async fn strategy_custom_tuple() {}

#[throttled(rate = "5/s", strategy = custom(Open { width: 1 }))]
async fn strategy_custom_fields() {}

#[throttled(rate = "5/s", strategy = custom(self::Open::new().wide()))]
async fn strategy_custom_builder() {}

#[throttled(rate = "5/s", strategy = custom(OPEN as Open))]
async fn strategy_custom_named() {}

async fn user(_: &Parts) -> Identity {
    Identity::new("user")
}

fn tenant(parts: &Parts) -> Result<Identity, std::num::ParseIntError> {
    parts
        .uri
        .path()
        .parse::<u64>()
        .map(|tenant| Identity::new(tenant.to_string()))
}

#[throttled(rate = "5/s", identifier = ip)]
async fn identifier_ip() {}

#[throttled(rate = "5/s", identifier = "everyone")]
async fn identifier_everyone() {}

#[throttled(rate = "5/s", identifier = header("X-Api-Key"))]
async fn identifier_header() {}

#[throttled(rate = "5/s", identifier = user)]
async fn identifier_async_function() {}

#[throttled(rate = "5/s", identifier = self::tenant)]
async fn identifier_function() {}

const fn price(_: &Parts) -> u32 {
    2
}

async fn price_looked_up(_: &Parts) -> Result<u64, Infallible> {
    Ok(2)
}

#[throttled(rate = "5/s", cost = 5)]
async fn cost_number() {}

#[throttled(rate = "5/s", cost = price)]
async fn cost_function() {}

#[throttled(rate = "5/s", cost = price_looked_up)]
async fn cost_async_function() {}

fn local() -> Backend {
    Backend::memory()
}

#[throttled(rate = "5/s", backend = local())]
async fn backend_call() {}

#[throttled(rate = "5/s", backend = {
    let backend = Backend::memory;
    backend()
})]
async fn backend_block() {}

#[throttled(rate = "5/s", headers = ietf)]
async fn headers_ietf() {}

#[throttled(rate = "5/s", headers = "legacy")]
async fn headers_legacy() {}

#[throttled(rate = "5/s", headers = both)]
async fn headers_both() {}

#[throttled(rate = "5/s", headers = none)]
async fn headers_none() {}

const REGION: &str = "eu";

fn region(_: &Parts) -> String {
    "eu".to_owned()
}

#[throttled(rate = "5/s", scope = throttle)]
async fn scope_throttle() {}

#[throttled(rate = "5/s", scope = "route")]
async fn scope_route() {}

#[throttled(rate = "5/s", scope = "eu-west")]
async fn scope_text() {}

#[throttled(rate = "5/s", scope = REGION)]
async fn scope_const() {}

#[throttled(rate = "5/s", scope = region)]
async fn scope_function() {}

#[throttled(rate = "5/s", uid = "uploads", policy = "files", name = Uploads)]
async fn named() {}

pub mod framework {
    //! A framework that brings traffik along.

    pub use ::traffik as limits;
}

#[throttled(rate = "5/s", identifier = user, cost = price, scope = region, crate = crate::framework::limits)]
async fn reexported() {}

#[throttled(rate = "5/s", allow(unreachable_rate, zero_cost))]
async fn allowed() {}

fn main() {
    let router = Router::<()>::new()
        .route("/1", get(rate_string))
        .route("/2", get(rate_list))
        .route("/3", get(rate_unlimited))
        .route("/4", get(rate_const))
        .route("/5", get(rate_static))
        .route("/6", get(rate_function))
        .route("/7", get(rate_async_function))
        .route("/7/lazy", get(rate_lazy))
        .route("/7/shared", get(rate_shared))
        .route("/7/lent", get(rate_lent))
        .route("/8", get(strategy_string))
        .route("/9", get(strategy_word))
        .route("/10", get(strategy_parameters))
        .route("/11", get(strategy_duration))
        .route("/12", get(strategy_custom_tuple))
        .route("/13", get(strategy_custom_fields))
        .route("/14", get(strategy_custom_builder))
        .route("/15", get(strategy_custom_named))
        .route("/16", get(identifier_ip))
        .route("/17", get(identifier_everyone))
        .route("/18", get(identifier_header))
        .route("/19", get(identifier_async_function))
        .route("/20", get(identifier_function))
        .route("/21", get(cost_number))
        .route("/22", get(cost_function))
        .route("/23", get(cost_async_function))
        .route("/24", get(backend_call))
        .route("/25", get(backend_block))
        .route("/26", get(headers_ietf))
        .route("/27", get(headers_legacy))
        .route("/28", get(headers_both))
        .route("/29", get(headers_none))
        .route("/30", get(scope_throttle))
        .route("/31", get(scope_route))
        .route("/32", get(scope_text))
        .route("/33", get(scope_const))
        .route("/34", get(scope_function))
        .route("/35", get(named))
        .route("/36", get(reexported))
        .route("/37", get(allowed));
    drop(router);
}
