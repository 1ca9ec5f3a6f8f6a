//! Handlers with every extractor of axum, and with extractors of an application.

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{
    ConnectInfo, FromRequestParts, MatchedPath, OriginalUri, Path, Query, RawPathParams, RawQuery,
    Request, State,
};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, StatusCode, Uri, Version};
use axum::routing::{get, post};
use traffik::throttled;

use super::{App, Region, Shape};

#[throttled(rate = "2/minute")]
async fn nothing() -> &'static str {
    "nothing"
}

#[throttled(rate = "2/minute")]
async fn path(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[throttled(rate = "2/minute")]
async fn path_of_text(Path(id): Path<String>) -> String {
    id
}

#[throttled(rate = "2/minute")]
async fn query(Query(query): Query<HashMap<String, u8>>) -> String {
    query.get("page").copied().unwrap_or_default().to_string()
}

#[throttled(rate = "2/minute")]
async fn raw_query(RawQuery(query): RawQuery) -> String {
    query.unwrap_or_default()
}

#[throttled(rate = "2/minute")]
async fn state(State(app): State<App>) -> &'static str {
    app.region
}

#[throttled(rate = "2/minute")]
async fn part_of_state(State(Region(region)): State<Region>, method: Method) -> String {
    format!("{region} {method}")
}

#[throttled(rate = "2/minute")]
async fn headers(headers: HeaderMap) -> String {
    headers.len().to_string()
}

#[throttled(rate = "2/minute")]
async fn address(ConnectInfo(peer): ConnectInfo<SocketAddr>) -> String {
    peer.to_string()
}

#[throttled(rate = "2/minute")]
async fn addresses_of_all_kinds(
    method: Method,
    uri: Uri,
    OriginalUri(original): OriginalUri,
    version: Version,
    matched: MatchedPath,
    extensions: Extensions,
) -> String {
    let is_empty = extensions.is_empty();
    format!(
        "{method} {uri} {original} {version:?} {} {is_empty}",
        matched.as_str()
    )
}

#[throttled(rate = "2/minute")]
async fn raw_path(params: RawPathParams) -> String {
    params.iter().map(|(_, value)| value).collect()
}

#[throttled(rate = "2/minute")]
async fn parts(parts: Parts) -> String {
    parts.uri.path().to_owned()
}

#[throttled(rate = "2/minute")]
async fn text(text: String) -> String {
    text
}

#[throttled(rate = "2/minute")]
async fn bytes(state: State<App>, bytes: Bytes) -> String {
    format!("{} {}", state.region, bytes.len())
}

#[throttled(rate = "2/minute")]
async fn body(_: Method, body: Body) -> Body {
    body
}

#[throttled(rate = "2/minute")]
async fn request(request: Request) -> String {
    request.uri().to_string()
}

#[throttled(rate = "2/minute")]
async fn json(Json(items): Json<Vec<u8>>) -> Json<u8> {
    Json(items.iter().sum())
}

#[throttled(rate = "2/minute")]
async fn json_that_may_fail(json: Result<Json<Vec<u8>>, JsonRejection>) -> String {
    json.map_or_else(
        |rejection| rejection.status().to_string(),
        |_| String::new(),
    )
}

#[throttled(rate = "2/minute")]
async fn path_that_may_fail(path: Result<Path<u8>, PathRejection>, _rest: Request) -> String {
    path.map_or(0, |Path(id)| id).to_string()
}

#[throttled(rate = "2/minute")]
async fn option(path: Option<Path<u8>>, _rest: Body) -> String {
    path.map_or(0, |Path(id)| id).to_string()
}

#[throttled(rate = "2/minute")]
async fn web_socket(
    ws: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> StatusCode {
    ws.map_or(StatusCode::UPGRADE_REQUIRED, |_| StatusCode::OK)
}

/// The user that a request names.
#[derive(Debug)]
struct User(String);

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let name = parts
            .headers
            .get("x-user")
            .and_then(|name| name.to_str().ok());
        name.map(|name| Self(name.to_owned()))
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}

#[throttled(rate = "2/minute")]
async fn own(User(name): User) -> String {
    name
}

#[throttled(rate = "2/minute")]
async fn tuple((User(name), method): (User, Method)) -> String {
    format!("{name} {method}")
}

#[throttled(rate = "2/minute")]
#[allow(clippy::too_many_arguments, reason = "that many are written")]
async fn sixteen(
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Uri,
    _: Uri,
    _: Uri,
    _: Uri,
    _: Version,
    _: Version,
    _: Version,
    _: Version,
    text: String,
) -> String {
    text
}

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        Shape::get("nothing", get(nothing), "nothing"),
        Shape::get("path", get(path), "7"),
        Shape::get("path_of_text", get(path_of_text), "7"),
        Shape::get("query", get(query), "3"),
        Shape::get("raw_query", get(raw_query), "page=3"),
        Shape::get("state", get(state), "eu"),
        Shape::get("part_of_state", get(part_of_state), "eu GET"),
        Shape::get("headers", get(headers), "3"),
        Shape::get("address", get(address), "192.0.2.1:50000"),
        Shape::get(
            "addresses_of_all_kinds",
            get(addresses_of_all_kinds),
            "GET /7?page=3 /7?page=3 HTTP/1.1 /{id} false",
        ),
        Shape::get("raw_path", get(raw_path), "7"),
        Shape::get("parts", get(parts), "/7"),
        Shape::post("text", post(text), "text", "text"),
        Shape::post("bytes", post(bytes), "bytes", "eu 5"),
        Shape::post("body", post(body), "body", "body"),
        Shape::get("request", get(request), "/7?page=3"),
        Shape::post("json", post(json), "[1, 2]", "3"),
        Shape::post(
            "json_that_may_fail",
            post(json_that_may_fail),
            "[",
            "400 Bad Request",
        ),
        Shape::get("path_that_may_fail", get(path_that_may_fail), "7"),
        Shape::get("option", get(option), "7"),
        Shape::get("web_socket", get(web_socket), "").status(426),
        Shape::get("own", get(own), "ann"),
        Shape::get("tuple", get(tuple), "ann GET"),
        Shape::post("sixteen", post(sixteen), "16", "16"),
    ]
}
