//! Without a receiver a macro cannot see that it stands in an `impl`: this is rustc's answer.

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
