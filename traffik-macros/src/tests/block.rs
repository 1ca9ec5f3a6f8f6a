//! `throttles!`: defaults, docs, visibility and attributes.

use insta::assert_snapshot;
use quote::quote;

use super::throttles;

#[test]
fn expands_an_empty_block() {
    assert_snapshot!(throttles(quote!()));
}

#[test]
fn expands_throttles() {
    assert_snapshot!(throttles(quote! {
        /// Short bursts.
        pub throttle Burst(rate = "10/minute");
        #[cfg(feature = "login")]
        pub(crate) throttle Login(rate = "5/15 minutes", identifier = user_id);
        throttle Least(rate = "1/s",);
    }));
}

#[test]
fn applies_defaults_to_missing_keys() {
    assert_snapshot!(throttles(quote! {
        defaults(backend = redis(), strategy = gcra, headers = both, identifier = user_id, scope = route, crate = ::framework::traffik);
        throttle Inherits(rate = "10/minute");
        throttle Overrides(rate = "10/minute", backend = local(), strategy = fixed_window, headers = ietf, identifier = ip, scope = throttle);
    }));
}
