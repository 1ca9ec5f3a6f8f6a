//! `lease`: a duration in quotes, for a strategy whose quota can be leased.

use traffik::throttled;

#[throttled(rate = "5/s", lease = 200)]
async fn number() {}

#[throttled(rate = "5/s", lease = "200 mss")]
async fn unit() {}

#[throttled(rate = "5/s", lease = 200ms)]
async fn without_quotes() {}

#[throttled(rate = "5/s", lease = "")]
async fn empty() {}

#[throttled(rate = "5/s", lease)]
async fn bare() {}

#[throttled(rate = "5/s", lease = "2h")]
async fn long() {}

#[throttled(rate = "5/s", lease = "1s", lease = "2s")]
async fn twice() {}

#[throttled(rate = "5/s", strategy = adaptive, lease = "200ms")]
async fn adaptive() {}

#[throttled(rate = "5/s", lease = "200ms", strategy = priority(low = 0.4))]
async fn priority() {}

#[throttled(rate = "5/s", lease = "200ms", strategy = custom(Always))]
async fn custom() {}

traffik::throttles! {
    defaults(lease = "a moment");
    throttle Queue(rate = "5/s", lease = "200ms", strategy = leaky_bucket_with_queue);
    throttle Costs(rate = "5/s", lease = "0s", strategy = cost_based_token_bucket);
    throttle Named(rate = "5/s", leese = "200ms");
}

#[throttled(Costs, lease = "200ms")]
async fn of_the_definition() {}

fn main() {}
