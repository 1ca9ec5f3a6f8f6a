//! Names that are not near to any keyword are paths, which rustc reports.

use traffik::throttled;

#[throttled(rate = "5/s", identifier = headers)]
async fn identifier() {}

#[throttled(rate = "5/s", scope = rout)]
async fn scope() {}

#[throttled(rate = "5/s", on_error = allowed)]
async fn on_error() {}

fn main() {}
