//! Functions of the application's that say whether a request matches.

use std::sync::Arc;

use crate::callback::asyncness::{Later, Now};
use crate::callback::{Asks, AsksLater, Question, at_once, awaited};

const WHAT: &str = "predicate";

/// A `fn(&Parts) -> bool`, async or not, fallible or not. Which of them it is, its type says; nobody else implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no predicate",
    label = "not a `fn(&Parts) -> bool`",
    note = "a predicate gives `bool`, or a `Result` of it, async or not",
    note = "a closure needs the type of its argument: `|parts: &Parts| …`"
)]
pub trait Predicate<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn question(self) -> Arc<dyn Question<bool>>;
}

impl<F> Predicate<Now> for F
where
    F: for<'a> Asks<'a, bool> + 'static,
{
    fn question(self) -> Arc<dyn Question<bool>> {
        at_once(WHAT, self)
    }
}

impl<F> Predicate<Later> for F
where
    F: for<'a> AsksLater<'a, bool> + 'static,
{
    fn question(self) -> Arc<dyn Question<bool>> {
        awaited(WHAT, self)
    }
}
