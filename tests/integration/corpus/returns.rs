//! Handlers with every return type of axum, and with response types of an application.

use std::convert::Infallible;
use std::num::ParseIntError;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{
    AppendHeaders, ErrorResponse, Html, IntoResponse, NoContent, Redirect, Response,
};
use axum::routing::{delete, get, post, put};
use traffik::throttled;

use super::{App, Shape};

#[derive(Debug)]
struct AppError(String);

impl From<ParseIntError> for AppError {
    fn from(error: ParseIntError) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, self.0).into_response()
    }
}

#[throttled(rate = "2/minute")]
async fn unit() {}

#[throttled(rate = "2/minute")]
async fn status() -> StatusCode {
    StatusCode::ACCEPTED
}

#[throttled(rate = "2/minute")]
async fn no_content() -> NoContent {
    NoContent
}

#[throttled(rate = "2/minute")]
async fn html() -> Html<String> {
    Html("<p>".to_owned())
}

#[throttled(rate = "2/minute")]
async fn json() -> Json<Vec<u8>> {
    Json(vec![1, 2])
}

#[throttled(rate = "2/minute")]
async fn with_status_and_headers() -> (
    StatusCode,
    AppendHeaders<[(&'static str, &'static str); 1]>,
    &'static str,
) {
    (
        StatusCode::CREATED,
        AppendHeaders([("x-made", "here")]),
        "made",
    )
}

#[throttled(rate = "2/minute")]
async fn only_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.extend([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
    headers
}

#[throttled(rate = "2/minute")]
async fn response(State(app): State<App>) -> Response {
    app.region.into_response()
}

#[throttled(rate = "2/minute")]
async fn redirect() -> Redirect {
    Redirect::temporary("/8")
}

#[throttled(rate = "2/minute")]
async fn question_mark(text: String) -> Result<String, AppError> {
    let number: u8 = text.parse()?;
    if number > 100 {
        return Err(AppError("too large".to_owned()));
    }
    Ok((number + 1).to_string())
}

#[throttled(rate = "2/minute")]
async fn error(text: String) -> Result<Json<u8>, AppError> {
    Ok(Json(text.parse()?))
}

#[throttled(rate = "2/minute")]
async fn any_error(text: String) -> axum::response::Result<String> {
    let number: u8 = text
        .parse()
        .map_err(|_| ErrorResponse::from(StatusCode::CONFLICT))?;
    Ok(number.to_string())
}

#[throttled(rate = "2/minute")]
async fn error_of_two_parts(Path(id): Path<u8>) -> Result<(), (StatusCode, String)> {
    Err((StatusCode::GONE, format!("{id} was here")))
}

#[throttled(rate = "2/minute")]
async fn impl_trait() -> impl IntoResponse {
    (StatusCode::CREATED, "impl")
}

#[throttled(rate = "2/minute")]
async fn impl_trait_inside(Path(id): Path<u8>) -> Result<impl IntoResponse, AppError> {
    let next = "1".parse::<u8>()? + id;
    Ok(next.to_string())
}

#[throttled(rate = "2/minute")]
async fn bytes() -> Bytes {
    Bytes::from_static(b"bytes")
}

/// Two events and the end of the stream.
type Events = events::Two;

mod events {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::{Event, Infallible};

    /// A stream of two events.
    #[derive(Debug)]
    pub(super) struct Two(pub(super) u8);

    impl futures_core::Stream for Two {
        type Item = Result<Event, Infallible>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            if self.0 == 2 {
                return Poll::Ready(None);
            }
            self.0 += 1;
            Poll::Ready(Some(Ok(Event::default().data(self.0.to_string()))))
        }
    }
}

#[throttled(rate = "2/minute")]
async fn sse(State(_app): State<App>) -> Sse<Events> {
    Sse::new(events::Two(0))
}

#[throttled(rate = "2/minute")]
async fn loops() -> String {
    let mut number = 0;
    loop {
        number += 1;
        if number == 9 {
            break number.to_string();
        }
    }
}

#[throttled(rate = "2/minute")]
async fn early_return(Path(id): Path<u8>) -> &'static str {
    if id == 7 {
        return "early";
    }
    "late"
}

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        Shape::get("unit", get(unit), ""),
        Shape::get("status", get(status), "").status(202),
        Shape {
            method: http::Method::DELETE,
            ..Shape::get("no_content", delete(no_content), "").status(204)
        },
        Shape::get("html", get(html), "<p>"),
        Shape::get("json", get(json), "[1,2]"),
        Shape {
            method: http::Method::PUT,
            ..Shape::get(
                "with_status_and_headers",
                put(with_status_and_headers),
                "made",
            )
            .status(201)
        },
        Shape::get("only_headers", get(only_headers), ""),
        Shape::get("response", get(response), "eu"),
        Shape::get("redirect", get(redirect), "").status(307),
        Shape::post("question_mark", post(question_mark), "8", "9"),
        Shape::post(
            "error",
            post(error),
            "",
            "cannot parse integer from empty string",
        )
        .status(422),
        Shape::post("any_error", post(any_error), "x", "").status(409),
        Shape::get("error_of_two_parts", get(error_of_two_parts), "7 was here").status(410),
        Shape::get("impl_trait", get(impl_trait), "impl").status(201),
        Shape::get("impl_trait_inside", get(impl_trait_inside), "8"),
        Shape::get("bytes", get(bytes), "bytes"),
        Shape::get("sse", get(sse), "data: 1\n\ndata: 2\n\n"),
        Shape::get("loops", get(loops), "9"),
        Shape::get("early_return", get(early_return), "early"),
    ]
}
