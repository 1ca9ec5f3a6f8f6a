//! Values that `headers` refuses.

use traffik::throttled;

#[throttled(rate = "5/s", headers = ieft)]
async fn misspelt() {}

#[throttled(rate = "5/s", headers = "x-ratelimit")]
async fn unheard_of() {}

#[throttled(rate = "5/s", headers = draft)]
async fn path() {}

#[throttled(rate = "5/s", headers = true)]
async fn boolean() {}

fn main() {}
