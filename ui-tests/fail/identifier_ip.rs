//! Values that `ip(…)` refuses.

use traffik::throttled;

#[throttled(rate = "5/s", identifier = ip())]
async fn empty() {}

#[throttled(rate = "5/s", identifier = ip(trusted = ["10.0.0.0/8", "*", "proxy.internal", "10.0.0.0/255.0.0.0"]))]
async fn no_ranges() {}

#[throttled(rate = "5/s", identifier = ip(trusted = ["10.0.0.0/33", "fe80::1%eth0", "10.0.0.1, 10.0.0.2", ""]))]
async fn more_that_are_no_ranges() {}

#[throttled(rate = "5/s", identifier = ip(trusted = "10.0.0.0/8"))]
async fn no_list() {}

#[throttled(rate = "5/s", identifier = ip(trusted = PROXIES))]
async fn constant() {}

#[throttled(rate = "5/s", identifier = ip(trusted = [PROXY, 10]))]
async fn no_texts() {}

#[throttled(rate = "5/s", identifier = ip(header = forwarded))]
async fn header_of_nobody() {}

#[throttled(rate = "5/s", identifier = ip(trusted = ["::1"], header = x_forwarded_fro))]
async fn misspelt_header() {}

#[throttled(rate = "5/s", identifier = ip(trusted = ["::1"], header = "X-Real-IP"))]
async fn name_of_the_field() {}

#[throttled(rate = "5/s", identifier = ip(trusted = ["::1"], header = via()))]
async fn no_word() {}

#[throttled(rate = "5/s", identifier = ip(prefix = 0))]
async fn no_bits() {}

#[throttled(rate = "5/s", identifier = ip(prefix = 129, trusted = ["::1/129"]))]
async fn too_many_bits() {}

#[throttled(rate = "5/s", identifier = ip(prefix = "64"))]
async fn bits_in_quotes() {}

#[throttled(rate = "5/s", identifier = ip(proxies = ["::1"], truste = ["::1"]))]
async fn unknown_parameters() {}

#[throttled(rate = "5/s", identifier = ip(["::1"], forwarded, 64))]
async fn without_names() {}

#[throttled(rate = "5/s", identifier = ip(prefix = 64, prefix = 56))]
async fn twice() {}

#[throttled(rate = "5/s", identifier = ip(trusted = []))]
async fn nobody() {}

#[throttled(rate = "5/s", identifier = ip(trusted = ["::1"], header = x_forwarded))]
async fn first_part_of_a_header() {}

#[throttled(rate = "5/s", identifier = ip(trusted = ["::1"], header = x_client_ip))]
async fn another_header() {}

#[throttled(rate = "5/s", identifier = ip(trusted: ["::1"]))]
async fn colon() {}

#[throttled(rate = "5/s", identifier = ip { trusted = ["::1"] })]
async fn braces() {}

fn main() {}
