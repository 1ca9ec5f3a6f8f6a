//! What is emitted beside mistakes: the function as it was written, and types for those who name them.

use insta::assert_snapshot;
use quote::quote;

use super::{throttled, throttles};

#[test]
fn handler_and_type_stay() {
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
fn whole_throttle_stays_where_only_the_handler_is_wrong() {
    assert_snapshot!(throttled(
        quote!(rate = "5/minute"),
        quote!(
            fn hello() {}
        )
    ));
}

#[test]
fn no_type_in_an_impl() {
    assert_snapshot!(throttled(
        quote!(rate = "5/minute"),
        quote!(
            async fn hello(&self) {}
        )
    ));
}

#[test]
fn no_type_above_another_attribute() {
    assert_snapshot!(throttled(
        quote!(rate = "5/minut"),
        quote! {
            #[traffik::throttled(rate = "5/hour")]
            async fn hello() {}
        },
    ));
}

#[test]
fn half_typed_body_expands() {
    let item: proc_macro2::TokenStream = "async fn hello() -> String { let text = app. }"
        .parse()
        .unwrap();
    assert_snapshot!(throttled(quote!(rate = "5/minute"), item));
}

#[test]
fn item_that_is_no_function_stays() {
    assert_snapshot!(throttled(
        quote!(rate = "5/minute"),
        quote!(
            struct Hello;
        )
    ));
}

#[test]
fn throttles_of_a_block_stay() {
    assert_snapshot!(throttles(quote! {
        defaults(headers = bth);
        pub throttle Good(rate = "5/minute");
        throttle Broken(rate = "5/minut");
        throttle Set(Good, Broken);
        throttle Unreadable;
        throttle Last(rate = "1/s");
    }));
}
