//! Every form of a handler.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(clippy::diverging_sub_expression, reason = "`debug_handler` makes one")]

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, Version};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, debug_handler};
use traffik::throttled;

#[derive(Clone, Debug)]
struct App {
    name: Arc<str>,
}

#[derive(Debug)]
struct AppError;

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        StatusCode::BAD_REQUEST.into_response()
    }
}

impl From<std::num::ParseIntError> for AppError {
    fn from(_: std::num::ParseIntError) -> Self {
        Self
    }
}

#[throttled(rate = "5/s")]
async fn no_answer() {}

#[throttled(rate = "5/s")]
async fn question_mark(Path(text): Path<String>) -> Result<Json<u64>, AppError> {
    let number = text.parse::<u64>()?;
    if number > 9 {
        return Err(AppError);
    }
    Ok(Json(number))
}

#[throttled(rate = "5/s")]
async fn impl_trait(State(App { name }): State<App>) -> impl IntoResponse {
    (StatusCode::CREATED, name.to_string())
}

#[throttled(rate = "5/s")]
async fn impl_trait_inside(text: String) -> Result<impl IntoResponse, AppError> {
    let number: u64 = text.parse()?;
    Ok(number.to_string())
}

#[throttled(rate = "5/s")]
async fn generic<T>(State(value): State<T>) -> String
where
    T: fmt::Debug,
{
    format!("{value:?}")
}

#[throttled(rate = "5/s")]
async fn body(
    State(app): State<App>,
    mut headers: HeaderMap,
    Json(mut payload): Json<HashMap<String, u64>>,
) -> (HeaderMap, Json<HashMap<String, u64>>) {
    headers.clear();
    payload.insert(app.name.to_string(), 1);
    (headers, Json(payload))
}

#[throttled(rate = "5/s")]
async fn whole_request(_: Method, request: Request) -> Response {
    request.uri().to_string().into_response()
}

#[throttled(rate = "5/s")]
async fn web_socket(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|_| async {})
}

#[throttled(rate = "5/s")]
#[debug_handler(state = App)]
async fn debug_below(State(app): State<App>, _: String) -> String {
    app.name.to_string()
}

#[throttled(rate = "5/s")]
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
    _: String,
) {
}

#[throttled(rate = "5/s")]
#[must_use]
#[allow(clippy::too_many_arguments, reason = "that many are written")]
async fn fifteen(
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
    _: String,
) -> String {
    String::new()
}

#[throttled(rate = "5/s", cost = |text| text.len() as u32)]
#[allow(clippy::cast_possible_truncation, reason = "texts are short")]
async fn allowed_for_closures(text: String) -> String {
    text
}

#[throttled(rate = "5/s")]
async fn unit(method: Method, (): ()) -> String {
    method.to_string()
}

#[throttled(rate = "5/s")]
async fn seven(_: Method, _: Method, _: Method, _: Method, _: Method, _: Method, _: String) {}

#[throttled(rate = "5/s")]
#[throttled(rate = "100/hour", name = Hourly)]
#[throttled(no_answer)]
async fn stacked(State(_): State<App>, text: String) -> Result<String, AppError> {
    let number = text.parse::<u64>()?;
    Ok(number.to_string())
}

#[throttled(no_answer)]
#[throttled(rate = "5/s")]
async fn stacked_without_arguments() -> &'static str {
    "twice"
}

#[throttled(rate = "5/s")]
async fn cfg_arguments(
    #[cfg(any())] _: Missing,
    method: Method,
    #[cfg(not(any()))] _: String,
    #[cfg(any())] _: Missing,
) -> String {
    method.to_string()
}

#[throttled(rate = "5/s")]
#[cfg(any())]
async fn left_out(_: Missing) {}

#[cfg(any())]
#[throttled(rate = "5/s", identifier = missing)]
async fn left_out_above(_: Missing) {}

#[throttled(rate = "5/s")]
async fn inner_attributes() {
    #![allow(unused_variables)]
    let unused = 1;
}

#[throttled(rate = "5/s")]
/// Documented.
#[must_use]
async fn attributes(parts: Parts) -> String {
    parts.uri.to_string()
}

#[throttled(rate = "5/s")]
async fn never_returns() -> String {
    loop {
        std::future::pending::<()>().await;
    }
}

pub mod public {
    //! A public handler needs public hidden types.

    /// Limited.
    #[traffik::throttled(rate = "5/s")]
    pub async fn handler() -> &'static str {
        "public"
    }
}

#[throttled(rate = "5/s")]
async fn lent<'a>() -> &'a str {
    "lent"
}

#[throttled(rate = "5/s")]
async fn lent_within<'a>(State(_): State<App>) -> Result<&'a str, (StatusCode, &'a str)> {
    Ok("lent")
}

fn main() {
    let router: Router<App> = Router::new()
        .route("/1", get(no_answer))
        .route("/2/{text}", get(question_mark))
        .route("/3", get(impl_trait))
        .route("/4", post(impl_trait_inside))
        .route("/6", get(generic::<App>))
        .route("/7", post(body))
        .route("/8", get(whole_request))
        .route("/9", get(web_socket))
        .route("/10", get(debug_below))
        .route("/11", get(fifteen))
        .route("/12", get(stacked))
        .route("/13", get(stacked_without_arguments))
        .route("/14", get(cfg_arguments))
        .route("/15", get(inner_attributes))
        .route("/16", get(attributes))
        .route("/17", get(never_returns))
        .route("/18", get(public::handler))
        .route("/19", get(seven))
        .route("/20", get(sixteen))
        .route("/21", get(unit))
        .route("/22", post(allowed_for_closures))
        .route("/23", get(lent))
        .route("/24", get(lent_within));
    let _: Router = router.with_state(App { name: "app".into() });
}
