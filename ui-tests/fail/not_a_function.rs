//! Items that are not functions.

use traffik::throttled;

#[throttled(rate = "5/s")]
struct Hello;

#[throttled(rate = "5/s")]
pub const LIMIT: u32 = 5;

#[throttled(rate = "5/s")]
impl Hello {
    fn get() {}
}

#[throttled(rate = "5/s")]
mod handlers {}

#[throttled(rate = "5/s")]
thread_local! {}

fn main() {
    let _ = Hello;
    let _ = LIMIT;
    Hello::get();
}
