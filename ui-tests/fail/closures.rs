//! Closures over the handler's arguments: their parameters are names of arguments only.

#![allow(unused)]

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use traffik::{throttled, throttles};

struct Order {
    items: Vec<u32>,
}

#[throttled(rate = "5/s", cost = |paylod| paylod.items.len())]
async fn misspelt(State(db): State<u8>, Json(payload): Json<Order>) {}

#[throttled(rate = "5/s", identifier = |user| user.id, cost = |weight| weight)]
async fn unknown(State(db): State<u8>, Json(payload): Json<Order>) {}

#[throttled(rate = "5/s", cost = |user| user.id)]
async fn no_names(_: State<u8>) {}

#[throttled(rate = "5/s", cost = |payload| payload.items.len() * db.price() + usize::from(factor))]
async fn not_named(State(db): State<u8>, Path(factor): Path<u8>, Json(payload): Json<Order>) {}

#[throttled(rate = "5/s", identifier = || format!("{}:{}", db, factor))]
async fn not_named_in_a_macro(State(db): State<u8>, Path(factor): Path<u8>) {}

#[throttled(rate = "5/s", cost = |payload: &Json<Order>| payload.items.len())]
async fn with_type(payload: Json<Order>) {}

#[throttled(rate = "5/s", cost = |mut payload, &db, ref factor, _| payload.items.len())]
async fn ways_of_binding(State(db): State<u8>, Path(factor): Path<u8>, payload: Json<Order>) {}

#[throttled(rate = "5/s", cost = |Path(db), (a, b), 5| 5)]
async fn patterns(State(db): State<u8>) {}

#[throttled(rate = "5/s", cost = |db, db| 5)]
async fn twice(State(db): State<u8>) {}

#[throttled(rate = "5/s", cost = for<'a> |db| 5)]
async fn with_lifetimes(State(db): State<u8>) {}

#[throttled(rate = "5/s", cost = |body| 5)]
async fn without_a_type(body: impl IntoResponse) {}

#[throttled(rate = "5/s", cost = |db| 5)]
async fn conditional(#[cfg(debug_assertions)] State(db): State<u8>, body: String) {}

throttles! {
    defaults(identifier = |user| user.id);

    throttle Burst(rate = "5/s", cost = |payload| payload.items.len());
}

#[throttled(rate = |parts| Rate::per_second(5), only_if = |parts| true, scope = |parts| "eu", on_error = |failure| Verdict::Allow)]
async fn elsewhere() {}

#[throttled(rate = "5/s", cost = |a| 5)]
async fn seventeen(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8, q: u8) {}

fn main() {}
