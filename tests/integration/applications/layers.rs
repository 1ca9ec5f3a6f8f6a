//! `ThrottleLayer` in one stack with every layer of tower and tower-http, above it and below it.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::error_handling::HandleErrorLayer;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use axum::{BoxError, Router};
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use http_body::Body as _;
use http_body_util::Full;
use tower::buffer::BufferLayer;
use tower::filter::{AsyncFilterLayer, FilterLayer};
use tower::layer::layer_fn;
use tower::layer::util::Identity;
use tower::limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer, RateLimitLayer};
use tower::load_shed::{LoadShed, LoadShedLayer};
use tower::retry::{Policy, RetryLayer};
use tower::spawn_ready::SpawnReadyLayer;
use tower::util::{
    AndThenLayer, BoxCloneServiceLayer, BoxCloneSyncServiceLayer, BoxLayer, MapErrLayer,
    MapFutureLayer, MapRequestLayer, MapResponseLayer, MapResultLayer, ThenLayer, option_layer,
};
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_http::add_extension::AddExtensionLayer;
use tower_http::auth::{AddAuthorizationLayer, AsyncRequireAuthorizationLayer};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::decompression::{DecompressionLayer, RequestDecompressionLayer};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_http::metrics::InFlightRequestsLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::on_early_drop::OnEarlyDropLayer;
use tower_http::propagate_header::PropagateHeaderLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::{
    SetSensitiveHeadersLayer, SetSensitiveRequestHeadersLayer, SetSensitiveResponseHeadersLayer,
};
use tower_http::set_header::request::{SetMultipleRequestHeadersLayer, SetRequestHeaderLayer};
use tower_http::set_header::response::{SetMultipleResponseHeadersLayer, SetResponseHeaderLayer};
use tower_http::set_status::SetStatusLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, ResponseBodyTimeoutLayer, TimeoutLayer};
use tower_http::trace::TraceLayer;
use tower_http::validate_request::ValidateRequestHeaderLayer;
use traffik::{Backend, ManualClock, ThrottleLayer, provide};

traffik::throttles! {
    throttle Everything(rate = "1/hour");
}

async fn hello() -> &'static str {
    "hello"
}

fn throttle() -> ThrottleLayer {
    ThrottleLayer::new().throttle::<Everything>()
}

fn request() -> Request {
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    let peer = SocketAddr::from(([192, 0, 2, 1], 50_000));
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn backend() -> Backend {
    Backend::memory().clock(ManualClock::new())
}

/// Asserts that an application admits one request and refuses the next.
async fn assert_refuses_the_second(app: Router, layer: &str) {
    let app = app.layer(provide(backend()));
    let response = app.clone().oneshot(request()).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1_000).await;
    assert_eq!(
        (status, &*body.unwrap()),
        (StatusCode::OK, &b"hello"[..]),
        "{layer}"
    );
    let response = app.oneshot(request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "{layer}");
    assert!(response.headers().contains_key("retry-after"), "{layer}");
    let body = axum::body::to_bytes(response.into_body(), 1_000).await;
    assert!(body.unwrap().starts_with(b"{\"type\":"), "{layer}");
}

async fn into_status<E: Into<BoxError>>(error: E) -> (StatusCode, String) {
    let error = error.into().to_string();
    (StatusCode::INTERNAL_SERVER_ERROR, error)
}

/// Stacks a layer above the throttles and below them, around an application and around a route.
macro_rules! in_both_orders {
    ($($layer:expr),+ $(,)?) => {
        $({
            let name = stringify!($layer);
            let app = Router::new().route("/", get(hello));
            let stack = ServiceBuilder::new()
                .layer(HandleErrorLayer::new(into_status))
                .layer($layer)
                .layer(throttle());
            assert_refuses_the_second(app.layer(stack), name).await;

            let stack = ServiceBuilder::new()
                .layer(HandleErrorLayer::new(into_status))
                .layer(throttle())
                .layer($layer);
            let app = Router::new().route("/", get(hello).layer(stack));
            assert_refuses_the_second(app, name).await;
        })+
    };
}

#[derive(Clone)]
struct Never;

impl<Req, Res, E> Policy<Req, Res, E> for Never {
    type Future = std::future::Ready<()>;

    fn retry(&mut self, _: &mut Req, _: &mut Result<Res, E>) -> Option<Self::Future> {
        None
    }

    fn clone_request(&mut self, _: &Req) -> Option<Req> {
        None
    }
}

const LONG: Duration = Duration::from_secs(60);
const X_NAME: HeaderName = HeaderName::from_static("x-name");
const VALUE: HeaderValue = HeaderValue::from_static("value");

#[tokio::test]
async fn throttles_above_and_below_every_layer_of_tower() {
    use tower::timeout::TimeoutLayer;

    in_both_orders![
        FilterLayer::new(Ok::<Request, BoxError>),
        AsyncFilterLayer::new(|request: Request| ready(Ok::<_, BoxError>(request))),
        ServiceBuilder::new()
            .layer(BufferLayer::<Request>::new(8))
            .layer(RateLimitLayer::new(100, LONG)),
        ConcurrencyLimitLayer::new(8),
        GlobalConcurrencyLimitLayer::new(8),
        LoadShedLayer::new(),
        RetryLayer::new(Never),
        ServiceBuilder::new()
            .layer(BufferLayer::<Request>::new(8))
            .layer(SpawnReadyLayer::new()),
        TimeoutLayer::new(LONG),
        AndThenLayer::new(async |response: Response| Ok::<_, Infallible>(response)),
        ThenLayer::new(async |result: Result<Response, Infallible>| result),
        MapErrLayer::new(|error: Infallible| error),
        MapFutureLayer::new(|future| future),
        MapRequestLayer::new(|request: Request| request),
        MapResponseLayer::new(|response: Response| response),
        MapResultLayer::new(|result: Result<Response, Infallible>| result),
        layer_fn(LoadShed::new),
        Identity::new(),
        option_layer(Some(AddExtensionLayer::new(7_u8))),
        option_layer(None::<AddExtensionLayer<u8>>),
        BoxCloneSyncServiceLayer::new(LoadShedLayer::new()),
        (TimeoutLayer::new(LONG), LoadShedLayer::new()),
    ];
}

/// Stacks layers, from the outermost to the innermost, around a service that is not a router, and
/// asserts that the throttle admits one request and refuses the next.
macro_rules! assert_refuses_the_second_below {
    ($($layer:expr),+ $(,)?) => {
        let stack = ServiceBuilder::new().layer(provide(backend()))$(.layer($layer))+;
        assert_statuses(stack.service(service_fn(hello_service))).await;
    };
}

/// A router cannot contain services that are not `Sync`.
#[tokio::test]
async fn throttles_above_and_below_boxed_layers() {
    let shed_load = LoadShedLayer::new;
    assert_refuses_the_second_below![BoxCloneServiceLayer::new(shed_load()), throttle()];
    assert_refuses_the_second_below![throttle(), BoxCloneServiceLayer::new(shed_load())];
    assert_refuses_the_second_below![BoxLayer::new(shed_load()), throttle()];
    assert_refuses_the_second_below![throttle(), BufferLayer::new(8), BoxLayer::new(shed_load()),];
}

/// A router cannot contain services that are not `Clone`.
#[tokio::test]
async fn throttles_above_and_below_layers_that_set_several_headers() {
    let request = || {
        let fields = vec![(X_NAME, VALUE).into()];
        SetMultipleRequestHeadersLayer::<Request>::overriding(fields)
    };
    let response = || {
        let fields = vec![(X_NAME, VALUE).into()];
        SetMultipleResponseHeadersLayer::<Response>::overriding(fields)
    };
    assert_refuses_the_second_below![request(), response(), throttle()];
    assert_refuses_the_second_below![throttle(), BufferLayer::new(8), request(), response()];
}

async fn hello_service(_: Request) -> Result<Response, Infallible> {
    Ok(Response::new(Body::from("hello")))
}

async fn assert_statuses<S>(mut service: S)
where
    S: Service<Request, Response = Response, Error: Debug>,
{
    for expected in [200, 429] {
        let response = service.ready().await.unwrap().call(request()).await;
        assert_eq!(response.unwrap().status(), expected);
    }
}

#[tokio::test]
async fn throttles_above_and_below_every_layer_of_tower_http() {
    in_both_orders![
        AddExtensionLayer::new(7_u8),
        AddAuthorizationLayer::basic("user", "secret"),
        AsyncRequireAuthorizationLayer::new(|request: Request| ready(Ok::<_, Response>(request))),
        ValidateRequestHeaderLayer::accept("text/plain"),
        CatchPanicLayer::new(),
        CompressionLayer::new(),
        DecompressionLayer::new(),
        RequestDecompressionLayer::new(),
        CorsLayer::permissive(),
        FollowRedirectLayer::new(),
        RequestBodyLimitLayer::new(1_000),
        MapRequestBodyLayer::new(Body::new),
        MapResponseBodyLayer::new(Body::new),
        InFlightRequestsLayer::pair().0,
        NormalizePathLayer::trim_trailing_slash(),
        OnEarlyDropLayer::builder(),
        PropagateHeaderLayer::new(X_NAME),
        PropagateRequestIdLayer::x_request_id(),
        SetRequestIdLayer::x_request_id(MakeRequestUuid),
        SetSensitiveHeadersLayer::new([X_NAME]),
        SetSensitiveRequestHeadersLayer::new([X_NAME]),
        SetSensitiveResponseHeadersLayer::new([X_NAME]),
        SetRequestHeaderLayer::overriding(X_NAME, VALUE),
        SetResponseHeaderLayer::overriding(X_NAME, VALUE),
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, LONG),
        RequestBodyTimeoutLayer::new(LONG),
        ResponseBodyTimeoutLayer::new(LONG),
        TraceLayer::new_for_http(),
        TraceLayer::new_for_grpc(),
    ];
}

/// `SetStatusLayer` gives every response one status, so that only its header fields identify a
/// refusal below it.
#[tokio::test]
async fn throttles_above_and_below_a_set_status_layer() {
    let app = || Router::new().route("/", get(hello));
    let below = ServiceBuilder::new()
        .layer(throttle())
        .layer(SetStatusLayer::new(StatusCode::OK));
    assert_refuses_the_second(app().layer(below), "SetStatusLayer").await;
    let above = ServiceBuilder::new()
        .layer(SetStatusLayer::new(StatusCode::OK))
        .layer(throttle());
    let app = app().layer(above).layer(provide(backend()));
    for is_refusal in [false, true] {
        let response = app.clone().oneshot(request()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers().contains_key("retry-after"), is_refusal);
    }
}

#[tokio::test]
async fn throttles_among_the_layers_of_a_whole_application() {
    let stack = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(CorsLayer::permissive())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            LONG,
        ))
        .layer(throttle())
        .layer(CompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(1_000));
    let app = Router::new().route("/", get(hello)).layer(stack);
    assert_refuses_the_second(app, "all").await;
}

/// An optional layer has one type, with and without the layer.
#[tokio::test]
async fn throttles_as_an_optional_layer() {
    let app = || Router::new().route("/", get(hello));
    let optional = || option_layer(Some(throttle()));
    assert_refuses_the_second(app().layer(optional()), "Router").await;
    let route: MethodRouter = get(hello).layer(optional());
    assert_refuses_the_second(Router::new().route("/", route), "MethodRouter").await;
    let route_layer = app().route_layer(optional());
    assert_refuses_the_second(route_layer, "route_layer").await;
    let stack = ServiceBuilder::new()
        .option_layer(Some(throttle()))
        .layer(LoadShedLayer::new());
    let stack = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(into_status))
        .layer(stack);
    assert_refuses_the_second(app().layer(stack), "ServiceBuilder").await;

    let without = app().layer(option_layer(None::<ThrottleLayer>));
    for _ in 0..3 {
        let response = without.clone().oneshot(request()).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

/// The service's body is not axum's.
#[tokio::test]
async fn converts_foreign_bodies_into_the_body_of_axum() {
    let below = service_fn(async |_: Request| {
        Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"hello"))))
    });
    let service = ServiceBuilder::new()
        .layer(provide(backend()))
        .layer(throttle());
    let app = Router::new().route_service("/", service.service(below));
    let response = app.clone().oneshot(request()).await.unwrap();
    // The length of a boxed body is preserved.
    assert_eq!(response.body().size_hint().exact(), Some(5));
    let response = app.oneshot(request()).await.unwrap();
    assert_eq!(response.status(), 429);
}
