//! Functions that axum cannot call as handlers.

use traffik::throttled;

#[throttled(rate = "5/s")]
fn not_async() {}

#[throttled(rate = "5/s")]
async fn seventeen_arguments(
    _: (), _: (), _: (), _: (), _: (), _: (), _: (), _: (),
    _: (), _: (), _: (), _: (), _: (), _: (), _: (), _: (),
    _: (),
) {}

#[throttled(rate = "5/s")]
async fn sixteen_and_one<T>(
    _: (), _: (), _: (), _: (), _: (), _: (), _: (), _: (),
    _: (), _: (), _: (), _: (), _: (), _: (), _: (), _: T,
) {}

struct Service;

impl Service {
    #[throttled(rate = "5/s")]
    async fn receiver(&self) {}
}

#[throttled(rate = "5/s")]
async unsafe fn unsafe_handler() {}

#[throttled(rate = "5/s")]
async extern "C" fn of_another_language() {}

#[throttled(rate = "5/s")]
async fn of_any_type(_: impl Into<String>) {}

impl Service {
    #[throttled(rate = "5/s")]
    async fn names_the_type(_: axum::extract::State<Self>) {}
}

#[tokio::test]
#[throttled(rate = "5/s")]
async fn test() {}

fn main() {}
