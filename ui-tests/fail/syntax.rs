//! Arguments that cannot be parsed. The arguments after the next comma are still read.

use traffik::{throttled, throttles};

throttles! {
    throttle Burst(rate = "5/s");
    throttle Sustained(rate = "5/s");
}

#[throttled(rate = "5/s" cost = 2, headers = iet)]
async fn comma_missing() {}

#[throttled(rate = "5/s" "10/m", headers = iet)]
async fn two_texts() {}

#[throttled((Burst, Sustained))]
async fn tuple() {}

#[throttled(rate = "5/s", identifier =)]
async fn nothing_behind_the_equals_sign() {}

#[throttled(rate = "5/s", +)]
async fn no_item() {}

#[throttled(rate => "5/s", strategy = token_bucket(burst: 5))]
async fn other_signs() {}

throttles! {
    Uploads: "5/s";
    throttle(rate = "5/s");
    throttle Last(rate = "5/s");
}

#[throttled(Last)]
async fn last() {}

#[throttled(rate == "5/s", strategy = gcra)]
async fn twice_the_sign() {}

#[throttled(rate "5/s", headers = iet)]
async fn no_sign() {}

#[throttled(rate["5/s"])]
async fn brackets() {}

#[throttled(shadow(true), rate("5/s"))]
async fn parentheses() {}

#[throttled(rate = "5/s", allow("zero_cost"))]
async fn text_for_a_name() {}

#[throttled(rate = "5/s", cost = |_text|)]
async fn not_finished(_text: String) {}

#[throttled(rate = "5/s", cost = !)]
async fn half_of_a_value() {}

#[throttled(Burst::)]
async fn half_of_a_path() {}

#[throttled(true)]
async fn no_key() {}

#[throttled(rate = "5/s"each)]
async fn suffix() {}

fn main() {}
