//! The same little application with each limiter, written as their users would: by the client's
//! address, with room for everything or for nothing, and with header fields or without.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::routing::get;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use traffik::{ThrottleLayer, throttled, throttles};

/// What every handler answers.
pub(crate) const ANSWER: &str = "hello";

throttles! {
    throttle Plain(rate = "1000000000/hour", headers = none);
    throttle Told(rate = "1000000000/hour");
    throttle ToldAsOfOld(rate = "1000000000/hour", headers = legacy);
    throttle Spent(rate = "1/day");
}

#[throttled(Plain)]
async fn plain() -> &'static str {
    ANSWER
}

#[throttled(Told)]
async fn told() -> &'static str {
    ANSWER
}

#[throttled(ToldAsOfOld)]
async fn told_as_of_old() -> &'static str {
    ANSWER
}

#[throttled(Spent)]
async fn spent() -> &'static str {
    ANSWER
}

async fn hello() -> &'static str {
    ANSWER
}

/// What a limiter is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// To admit, without a word.
    Admit,
    /// To admit, and to say how many are left.
    Tell,
    /// The same in the fields that the peer writes, `X-RateLimit-*`.
    TellAsOfOld,
    /// To refuse.
    Refuse,
}

impl Job {
    pub(crate) const ALL: [Self; 4] = [Self::Admit, Self::Tell, Self::TellAsOfOld, Self::Refuse];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Admit => "admitted, no header fields",
            Self::Tell => "admitted, header fields",
            Self::TellAsOfOld => "admitted, `X-RateLimit-*`",
            Self::Refuse => "refused",
        }
    }
}

/// Without a limiter.
pub(crate) fn bare() -> Router {
    Router::new().route("/", get(hello))
}

/// `#[throttled]` on the handler.
pub(crate) fn attribute(job: Job) -> Router {
    let handler = match job {
        Job::Admit => get(plain),
        Job::Tell => get(told),
        Job::TellAsOfOld => get(told_as_of_old),
        Job::Refuse => get(spent),
    };
    Router::new().route("/", handler)
}

/// A `ThrottleLayer` around the router.
pub(crate) fn layer(job: Job) -> Router {
    let layer = ThrottleLayer::new();
    bare().layer(match job {
        Job::Admit => layer.throttle::<Plain>(),
        Job::Tell => layer.throttle::<Told>(),
        Job::TellAsOfOld => layer.throttle::<ToldAsOfOld>(),
        Job::Refuse => layer.throttle::<Spent>(),
    })
}

/// `tower_governor` around the router.
pub(crate) fn governed(job: Job) -> Router {
    const WORKS: &str = "a quota that is not zero";
    let mut builder = GovernorConfigBuilder::default();
    match job {
        Job::Refuse => builder.per_second(24 * 60 * 60).burst_size(1),
        Job::Admit | Job::Tell | Job::TellAsOfOld => {
            builder.per_nanosecond(1).burst_size(1_000_000_000)
        }
    };
    match job {
        Job::Admit => bare().layer(GovernorLayer::new(builder.finish().expect(WORKS))),
        Job::Tell | Job::TellAsOfOld | Job::Refuse => {
            let config = builder.use_headers().finish().expect(WORKS);
            bare().layer(GovernorLayer::new(config))
        }
    }
}

/// A request of a client whose address axum knows.
pub(crate) fn request() -> Request {
    let mut request = Request::new(Body::empty());
    let peer = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 7), 50_000));
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}
