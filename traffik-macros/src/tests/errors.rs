//! Code that is emitted beside errors: the function as it was written, and types for code that
//! names them.

use insta::assert_snapshot;
use quote::quote;

use super::{throttled, throttles};

#[test]
fn emits_the_handler_and_the_type() {
    assert_snapshot!(throttled(
        quote!(rate = "5/minut", cost = "2"),
        quote! {
            /// Greets.
            pub async fn hello(State(app): State<App>) -> String {
                app.greeting()
            }
        },
    ));
}

#[test]
fn emits_the_throttle_if_only_the_handler_is_wrong() {
    assert_snapshot!(throttled(
        quote!(rate = "5/minute"),
        quote!(
            fn hello() {}
        )
    ));
}

#[test]
fn emits_no_type_in_an_impl() {
    assert_snapshot!(throttled(
        quote!(rate = "5/minute"),
        quote!(
            async fn hello(&self) {}
        )
    ));
}

#[test]
fn emits_no_type_above_another_attribute() {
    assert_snapshot!(throttled(
        quote!(rate = "5/minut"),
        quote! {
            #[traffik::throttled(rate = "5/hour")]
            async fn hello() {}
        },
    ));
}

#[test]
fn expands_an_incomplete_body() {
    let item: proc_macro2::TokenStream = "async fn hello() -> String { let text = app. }"
        .parse()
        .unwrap();
    assert_snapshot!(throttled(quote!(rate = "5/minute"), item));
}

#[test]
fn emits_an_item_that_is_not_a_function() {
    assert_snapshot!(throttled(
        quote!(rate = "5/minute"),
        quote!(
            struct Hello;
        )
    ));
}

#[test]
fn emits_every_throttle_of_a_block() {
    assert_snapshot!(throttles(quote! {
        defaults(headers = bth);
        pub throttle Good(rate = "5/minute");
        throttle Broken(rate = "5/minut");
        throttle Set(Good, Broken);
        throttle Unreadable;
        throttle Last(rate = "1/s");
    }));
}
