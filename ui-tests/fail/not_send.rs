//! A handler whose future is not `Send`: reported at the handler, even without a route.

use std::rc::Rc;

use traffik::throttled;

#[throttled(rate = "5/s")]
async fn count() -> String {
    let counted = Rc::new(5);
    tokio::task::yield_now().await;
    counted.to_string()
}

fn main() {}
