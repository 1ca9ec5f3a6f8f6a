//! Values that `scope` refuses.

use traffik::throttled;

#[throttled(rate = "5/s", scope = Route)]
async fn misspelt() {}

#[throttled(rate = "5/s", scope = "")]
async fn empty() {}

#[throttled(rate = "5/s", scope = tenant())]
async fn called() {}

#[throttled(rate = "5/s", scope = route())]
async fn word_called() {}

#[throttled(rate = "5/s", scope = 5)]
async fn number() {}

fn main() {}
