//! Functions in an `impl` without `self`: the macro cannot see the `impl`, but rustc reports it.

use traffik::throttled;

struct Service;

impl Service {
    #[throttled(rate = "5/s")]
    async fn hello() {}

    #[throttled(rate = "5/s")]
    async fn new() -> Result<Self, String> {
        Ok(Self)
    }
}

fn main() {}
