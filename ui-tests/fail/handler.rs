//! Functions axum cannot take.

use traffik::throttled;

#[throttled(rate = "5/s")]
fn not_async() {}

#[throttled(rate = "5/s")]
async fn sixteen_arguments(
    _: (), _: (), _: (), _: (), _: (), _: (), _: (), _: (),
    _: (), _: (), _: (), _: (), _: (), _: (), _: (), _: (),
) {}

struct Service;

impl Service {
    #[throttled(rate = "5/s")]
    async fn receiver(&self) {}
}

fn main() {}
