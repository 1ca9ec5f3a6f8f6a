//! Keys that are misspelt, foreign, or out of place.

use traffik::throttled;

#[throttled(rat = "5/s")]
async fn misspelt() {}

#[throttled(rate = "5/s", on_eror = allow)]
async fn misspelt_for_later() {}

#[throttled(rate = "5/s", colour = red)]
async fn unheard_of() {}

#[throttled(limit = "5/s", key_func = user_id)]
async fn words_of_other_libraries() {}

#[throttled(rate = "5/s", burst = 10)]
async fn parameter_of_a_strategy() {}

#[throttled(r#rate = "5/s")]
async fn raw() {}

#[throttled(rate = "5/s", Burst)]
async fn throttle_behind_a_key() {}

#[throttled(traffik::rate = "5/s")]
async fn path() {}

#[throttled("Burst")]
async fn throttle_in_quotes() {}

#[throttled("limits::burst")]
async fn path_in_quotes() {}

#[throttled(rate = "5/s", allow())]
async fn allow_of_nothing() {}

fn main() {}
