//! Handlers with closures over their arguments.

use axum::Json;
use axum::debug_handler;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Deserialize;
use traffik::{Identity, throttled};

use super::{App, Region, Shape};

#[derive(Debug, Deserialize)]
struct Order {
    user: String,
    items: Vec<u64>,
}

#[throttled(rate = "4/minute", cost = |payload| payload.items.len())]
async fn cost(Json(payload): Json<Order>) -> String {
    payload.user
}

#[throttled(rate = "2/minute", identifier = |user| user.as_str())]
async fn only_an_identifier(Path(user): Path<String>, method: Method) -> String {
    // Only the closure uses `user`.
    method.to_string()
}

#[throttled(rate = "4/minute", identifier = |id, region| format!("{region}{id}"), cost = |id| if *id == 7 { 2 } else { 1 })]
async fn both(State(Region(region)): State<Region>, Path(id): Path<u8>, text: String) -> String {
    format!("{region} {id} {text}")
}

#[throttled(rate = "4/minute", identifier = async |state| first(state).await, cost = |whole| whole.len())]
async fn awaited(state: State<App>, _headers: HeaderMap, whole: String) -> impl IntoResponse {
    format!("{} {whole}", state.region)
}

async fn first(app: &App) -> Result<Identity, std::fmt::Error> {
    tokio::task::yield_now().await;
    app.names.first().map(Identity::from).ok_or(std::fmt::Error)
}

#[throttled(rate = "2/minute", identifier = |request| request.headers().len().to_string())]
async fn of_a_request(request: Request) -> String {
    request.uri().to_string()
}

#[throttled(rate = "2/minute", identifier = |page| Ok::<_, std::num::TryFromIntError>(u64::from(u8::try_from(page.0.page)?)))]
#[debug_handler(state = App)]
async fn fallible(State(_app): State<App>, page: Query<Page>) -> Result<String, String> {
    if page.size.is_some() {
        return Err("no sizes".to_owned());
    }
    Ok(page.page.to_string())
}

#[derive(Debug, Deserialize)]
struct Page {
    page: u32,
    #[serde(default)]
    size: Option<u32>,
}

#[throttled(rate = "4/minute", identifier = |value| value.to_string(), cost = |numbers| numbers.iter().sum::<u64>())]
async fn generic<T>(Path(value): Path<T>, Json(numbers): Json<Vec<u64>>) -> String
where
    T: std::fmt::Display + Send + serde::de::DeserializeOwned,
{
    format!("{value} {}", numbers.len())
}

#[throttled(rate = "2/minute", identifier = |first| first.to_string())]
#[allow(clippy::too_many_arguments, reason = "that many are written")]
async fn sixteen(
    first: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    text: String,
) -> String {
    format!("{first} {text}")
}

#[throttled(rate = "2/minute", identifier = |a| a.to_string())]
async fn seven(a: Method, _: Method, _: Method, _: Method, _: Method, _: Method, _: String) {}

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        Shape::post(
            "cost",
            post(cost),
            "{\"user\": \"ann\", \"items\": [1, 2]}",
            "ann",
        ),
        Shape::get("only_an_identifier", get(only_an_identifier), "GET"),
        Shape::post("both", post(both), "text", "eu 7 text"),
        Shape::post("awaited", post(awaited), "ab", "eu ab"),
        Shape::get("of_a_request", get(of_a_request), "/7?page=3"),
        Shape::get("fallible", get(fallible), "3"),
        Shape::post("generic", post(generic::<u8>), "[1, 1]", "7 2"),
        Shape::post("sixteen", post(sixteen), "text", "POST text"),
        Shape::post("seven", post(seven), "", ""),
    ]
}
