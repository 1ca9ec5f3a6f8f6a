//! Closures whose bodies have type errors: rustc reports them at the user's tokens.

#![allow(unused)]

use axum::Json;
use axum::extract::{Path, State};
use traffik::throttled;

#[derive(serde::Deserialize)]
struct Order {
    items: Vec<i32>,
}

#[throttled(rate = "5/s", cost = |payload| payload.item.len())]
async fn no_field(Json(payload): Json<Order>) {}

#[throttled(rate = "5/s", cost = |payload| payload.items[0])]
async fn signed(Json(payload): Json<Order>) {}

#[throttled(rate = "5/s", cost = |number| number)]
async fn lent(Path(number): Path<i64>) {}

#[throttled(rate = "5/s", identifier = |payload| payload.items.first())]
async fn nobody(Json(payload): Json<Order>) {}

#[throttled(rate = "5/s", identifier = |state| state.missing())]
async fn no_method(State(state): State<u8>, _body: String) {}

#[throttled(rate = "5/s", cost = |payload| price(payload))]
async fn no_function(Json(payload): Json<Order>) {}

#[throttled(rate = "5/s", cost = |order| order.items.len())]
async fn no_extractor(order: Order, _body: String) {}

fn main() {
    let _: axum::routing::MethodRouter = axum::routing::post(no_extractor);
}
