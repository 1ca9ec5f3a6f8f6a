//! Keys without a rate and without a throttle.

use traffik::throttled;

#[throttled]
async fn nothing() {}

#[throttled()]
async fn parentheses() {}

#[throttled(strategy = gcra)]
async fn other_keys() {}

#[throttled(rate)]
async fn key_without_value() {}

#[throttled(rate = )]
async fn nothing_behind_the_equals_sign() {}

#[throttled("100/minute")]
async fn value_without_key() {}

#[throttled(rate: "100/minute")]
async fn colon() {}

#[throttled(rate("100/minute"))]
async fn call() {}

fn main() {}
