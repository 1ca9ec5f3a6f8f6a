//! A handler that cannot go on on another thread: told where it is written, also if no route asks for it.

use std::rc::Rc;

use traffik::throttled;

#[throttled(rate = "5/s")]
async fn count() -> String {
    let counted = Rc::new(5);
    tokio::task::yield_now().await;
    counted.to_string()
}

fn main() {}
