//! One small application with each limiter in turn, written as its users would: limits by the
//! client's address that admit everything or nothing, with header fields or without.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderName;
use axum::http::header::RETRY_AFTER;
use axum::routing::get;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use traffik::{ThrottleLayer, throttled, throttles};

use crate::floor_layer::FloorLayer;

/// The response body of every handler.
pub const BODY: &str = "hello";

throttles! {
    throttle NoFields(rate = "1000000000/hour", headers = none);
    throttle Fields(rate = "1000000000/hour");
    throttle LegacyFields(rate = "1000000000/hour", headers = legacy);
    throttle Spent(rate = "1/day");
}

#[throttled(NoFields)]
async fn no_fields() -> &'static str {
    BODY
}

#[throttled(Fields)]
async fn fields() -> &'static str {
    BODY
}

#[throttled(LegacyFields)]
async fn legacy_fields() -> &'static str {
    BODY
}

#[throttled(Spent)]
async fn spent() -> &'static str {
    BODY
}

async fn hello() -> &'static str {
    BODY
}

/// The work of a limiter in one benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Admit, without header fields.
    Admit,
    /// Admit, with header fields.
    AdmitWithFields,
    /// Admit, with the fields that the peer writes, `X-RateLimit-*`.
    AdmitWithLegacyFields,
    /// Refuse.
    Refuse,
}

impl Job {
    /// Every job, in the order of the tables.
    pub const ALL: [Self; 4] = [
        Self::Admit,
        Self::AdmitWithFields,
        Self::AdmitWithLegacyFields,
        Self::Refuse,
    ];

    /// Returns the name of the row.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admit => "admitted, no header fields",
            Self::AdmitWithFields => "admitted, header fields",
            Self::AdmitWithLegacyFields => "admitted, `X-RateLimit-*`",
            Self::Refuse => "refused",
        }
    }
}

/// Builds the application without a limiter.
pub fn bare() -> Router {
    Router::new().route("/", get(hello))
}

/// Builds the application with `#[throttled]` on the handler.
pub fn attribute(job: Job) -> Router {
    let handler = match job {
        Job::Admit => get(no_fields),
        Job::AdmitWithFields => get(fields),
        Job::AdmitWithLegacyFields => get(legacy_fields),
        Job::Refuse => get(spent),
    };
    Router::new().route("/", handler)
}

/// Builds the application with a `ThrottleLayer` around the router.
pub fn layer(job: Job) -> Router {
    let layer = ThrottleLayer::new();
    bare().layer(match job {
        Job::Admit => layer.throttle::<NoFields>(),
        Job::AdmitWithFields => layer.throttle::<Fields>(),
        Job::AdmitWithLegacyFields => layer.throttle::<LegacyFields>(),
        Job::Refuse => layer.throttle::<Spent>(),
    })
}

/// Builds the application with the least layer that can do the job around the router.
pub fn least(job: Job) -> Router {
    static LEGACY: [HeaderName; 4] = [
        HeaderName::from_static("x-ratelimit-limit"),
        HeaderName::from_static("x-ratelimit-remaining"),
        HeaderName::from_static("x-ratelimit-reset"),
        RETRY_AFTER,
    ];
    static FIELDS: [HeaderName; 3] = [
        HeaderName::from_static("ratelimit-policy"),
        HeaderName::from_static("ratelimit"),
        RETRY_AFTER,
    ];
    bare().layer(match job {
        Job::Admit => FloorLayer::new(u32::MAX, &[]),
        Job::AdmitWithFields => FloorLayer::new(u32::MAX, &FIELDS[..2]),
        Job::AdmitWithLegacyFields => FloorLayer::new(u32::MAX, &LEGACY[..3]),
        Job::Refuse => FloorLayer::new(1, &FIELDS),
    })
}

/// Builds the application with `tower_governor` around the router.
///
/// # Panics
///
/// Never: the quotas are positive.
pub fn governed(job: Job) -> Router {
    const VALID: &str = "the quota is positive";
    let mut builder = GovernorConfigBuilder::default();
    match job {
        Job::Refuse => builder.per_second(24 * 60 * 60).burst_size(1),
        Job::Admit | Job::AdmitWithFields | Job::AdmitWithLegacyFields => {
            builder.per_nanosecond(1).burst_size(1_000_000_000)
        }
    };
    match job {
        Job::Admit => bare().layer(GovernorLayer::new(builder.finish().expect(VALID))),
        Job::AdmitWithFields | Job::AdmitWithLegacyFields | Job::Refuse => {
            let config = builder.use_headers().finish().expect(VALID);
            bare().layer(GovernorLayer::new(config))
        }
    }
}

/// Builds a request from a client with a known address.
pub fn request() -> Request {
    let mut request = Request::new(Body::empty());
    let peer = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 7), 50_000));
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}
