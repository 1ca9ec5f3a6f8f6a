//! Generic handlers, and patterns as arguments.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use axum::Json;
use axum::extract::{FromRef, Path, Query, State};
use axum::http::Method;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use traffik::throttled;

use super::{App, Region, Shape};

#[throttled(rate = "2/minute")]
async fn of_a_type<T>(Path(value): Path<T>) -> String
where
    T: Display + DeserializeOwned + Send,
{
    value.to_string()
}

#[throttled(rate = "2/minute")]
async fn of_a_number<const N: usize>(Json(values): Json<Vec<u8>>) -> String {
    values.get(N).copied().unwrap_or_default().to_string()
}

#[throttled(rate = "2/minute")]
async fn of_two_types<A, B>(State(state): State<A>, Json(body): Json<B>) -> impl IntoResponse
where
    A: Debug + FromRef<App> + Send + Sync,
    B: Debug + DeserializeOwned,
{
    format!("{state:?} {body:?}")
}

trait Store: Clone + Send + Sync + 'static {
    fn name(&self) -> String;
}

impl Store for App {
    fn name(&self) -> String {
        self.names.join(" ")
    }
}

#[throttled(rate = "2/minute")]
async fn of_a_trait<S: Store>(State(store): State<S>) -> String {
    store.name()
}

#[derive(Debug, Deserialize)]
struct Page {
    page: u8,
    #[serde(default)]
    size: Option<u8>,
}

#[throttled(rate = "2/minute")]
async fn destructured(Query(Page { page, size }): Query<Page>) -> String {
    format!("{page} {size:?}")
}

#[throttled(rate = "2/minute")]
async fn destructured_partly(
    State(App { region, .. }): State<App>,
    Path((id,)): Path<(u8,)>,
) -> String {
    format!("{region} {id}")
}

#[throttled(rate = "2/minute")]
async fn mutable(State(mut app): State<App>, mut text: String) -> String {
    app.region = "us";
    text.push_str(app.region);
    text
}

#[throttled(rate = "2/minute")]
async fn whole_and_parts(page @ Query(Page { size: _, .. }): Query<Page>) -> String {
    page.page.to_string()
}

#[throttled(rate = "2/minute")]
async fn ignored(_: Method, _region: State<Region>, Json(_): Json<BTreeMap<String, u8>>) {}

#[throttled(rate = "2/minute")]
async fn raw(Path(r#type): Path<u8>, r#match: Method) -> String {
    format!("{type} {match}")
}

#[throttled(rate = "2/minute")]
async fn array(Json([first, .., last]): Json<[u8; 3]>) -> String {
    (first + last).to_string()
}

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        Shape::get("of_a_type", get(of_a_type::<u16>), "7"),
        Shape::post("of_a_number", post(of_a_number::<1>), "[1, 2]", "2"),
        Shape::post(
            "of_two_types",
            post(of_two_types::<Region, Vec<u8>>),
            "[1]",
            "Region(\"eu\") [1]",
        ),
        Shape::get("of_a_trait", get(of_a_trait::<App>), "ann bob"),
        Shape::get("destructured", get(destructured), "3 None"),
        Shape::get("destructured_partly", get(destructured_partly), "eu 7"),
        Shape::post("mutable", post(mutable), "text ", "text us"),
        Shape::get("whole_and_parts", get(whole_and_parts), "3"),
        Shape::post("ignored", post(ignored), "{\"a\": 1}", ""),
        Shape::get("raw", get(raw), "7 GET"),
        Shape::post("array", post(array), "[1, 2, 3]", "4"),
    ]
}
