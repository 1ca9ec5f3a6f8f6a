//! Errors in a block. The types that it defines can still be used.

use traffik::{throttled, throttles};

throttles! {
    defaults(backnd = redis(), rate = "5/s", headers = bth, Burst);

    /// No rate.
    pub throttle Burst(strategy = gcra);
    /// A name out of place.
    pub throttle Sustained(rate = "1000/hour", name = Steady);
    /// Several mistakes.
    throttle Login(rate = "5/15 minuts", strategy = fixed_windo, on_error = raise);
    throttle Login(rate = "5/s");
}

throttles! {
    /// Missing words.
    pub Uploads(rate = "5/s");
    thottle Downloads(rate = "5/s");
    throttle Views { rate = "5/s" }
    type Api = (Burst, Sustained);
    throttle First(rate = "5/s")
    throttle Second(rate = "5/s");
    default(headers = both);
    defaults(headers = both);
    defaults(headers = none);
    throttle Last(rate = "5/s")
}

#[throttled(Burst, Sustained, Login, First, Second, Last)]
async fn data() {}

throttles! {
    pub defaults(headers = both);
    defaults { headers = both };
    throttle Unfinished
}

throttles! {
    throttle Comma(rate = "5/s"),
    throttle pub Behind(rate = "5/s");
    throttle Generic<T>(rate = "5/s");
    throttle type(rate = "5/s");
    throttle self(rate = "5/s");
}

throttles! {
    defaults(rate = "5/s");
    throttle OfDefaults(headers = both);
}

throttles! {
    defaults();
    throttle OfNothing(rate = "5/s");
}

fn main() {}
