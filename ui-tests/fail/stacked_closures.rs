//! Closures of several attributes on one handler.

#![allow(unused)]

use axum::Json;
use axum::extract::{Path, State};
use traffik::{throttled, throttles};

throttles! {
    throttle Burst(rate = "5/s");
}

#[throttled(rate = "5/s", cost = |payload| payload.len())]
#[throttled(Burst, cost = |paylod| paylod.len())]
async fn second_misspelt(State(db): State<u8>, Json(payload): Json<Vec<u8>>) {}

#[throttled(Burst, identifier = |user| user, cost = |user| user.len())]
async fn identifier_of_a_use(Path(user): Path<String>) {}

#[throttled(rate = "5/s", identifier = async |user| user.clone(), cost = async |user| user)]
async fn async_of_a_wrong_type(Path(user): Path<String>) {}

fn main() {}
