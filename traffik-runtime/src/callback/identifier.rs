//! `Identifier`: the functions that identify the client of a request.

use http::request::Parts;

use crate::error::Error;
use crate::identity::Identity;

callback_trait! {
    /// A `fn(&Parts) -> impl Into<Identity>`, sync or async, fallible or not. Every such function
    /// implements it, and nothing else can.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be used as an identifier",
        label = "not a `fn(&Parts) -> impl Into<Identity>`",
        note = "an identifier returns an `Identity`, a value that converts into one, or a `Result` of either; it may be async",
        note = "a closure needs the type of its argument: `|parts: &Parts| …`"
    )]
    Identifier: Parts => Result<Identity, Error>
}
