use std::sync::Arc;

use crate::callback::asyncness::{Later, Now};
use crate::callback::{Asks, AsksLater, Question, at_once, awaited};
use crate::identity::Identity;

const WHAT: &str = "identifier";

/// A `fn(&Parts) -> impl Into<Identity>`, async or not, fallible or not. Which of them it is, its type says; nobody else
/// implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no identifier",
    label = "not a `fn(&Parts) -> impl Into<Identity>`",
    note = "an identifier gives an `Identity`, or what can become one, or a `Result` of it, async or not",
    note = "a closure needs the type of its argument: `|parts: &Parts| …`"
)]
pub trait Identifier<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn question(self) -> Arc<dyn Question<Identity>>;
}

impl<F> Identifier<Now> for F
where
    F: for<'a> Asks<'a, Identity> + 'static,
{
    fn question(self) -> Arc<dyn Question<Identity>> {
        at_once(WHAT, self)
    }
}

impl<F> Identifier<Later> for F
where
    F: for<'a> AsksLater<'a, Identity> + 'static,
{
    fn question(self) -> Arc<dyn Question<Identity>> {
        awaited(WHAT, self)
    }
}
