//! `Predicate`: the functions that select requests.

use http::request::Parts;

use crate::error::Error;

callback_trait! {
    /// A `fn(&Parts) -> bool`, sync or async, fallible or not. Every such function implements it,
    /// and nothing else can.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be used as a predicate",
        label = "not a `fn(&Parts) -> bool`",
        note = "a predicate returns a `bool` or a `Result` of one; it may be async",
        note = "a closure needs the type of its argument: `|parts: &Parts| …`"
    )]
    Predicate: Parts => Result<bool, Error>
}
