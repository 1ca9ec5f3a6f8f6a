//! What to tell a client, kept until there is an answer.

use std::fmt;

use http::{HeaderMap, Response};

use super::rejection::Refusal;
use super::told::Told;
use super::trail::{Leaving, Trail};

/// What to tell a client, if anything: here, or with the layer above, which tells it if the handler is never asked.
///
/// For each handler that holds one, the compiler proves of all there is in it that it can be sent to another thread; behind
/// `dyn` that is one step and not two hundred.
#[doc(hidden)]
#[derive(Default)]
pub struct Kept(Option<Box<dyn Tell>>);

/// Something that has something to tell.
pub(super) trait Tell: Send + Sync {
    /// What to tell, unless somebody else already has.
    fn told(self: Box<Self>) -> Option<Told>;
}

impl Tell for Leaving {
    fn told(self: Box<Self>) -> Option<Told> {
        self.take()
    }
}

impl Kept {
    pub(super) fn new(told: Told, trail: Option<&Trail>) -> Self {
        Self(match trail {
            None => told.kept(),
            Some(trail) => Some(Box::new(trail.leave(told))),
        })
    }

    /// Writes it, unless somebody else already has.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        if let Some(told) = self.told() {
            told.write(headers);
        }
    }

    /// The same for a whole response, which may be a refusal that the handler has passed on.
    pub(super) fn write_to<B>(self, response: &mut Response<B>) {
        let told = self.told();
        let is_refusal = response.extensions().get::<Refusal>().is_some();
        match told {
            Some(told) if is_refusal => told.write_beside_refusal(response.headers_mut()),
            Some(told) => told.write(response.headers_mut()),
            None => {}
        }
    }

    fn told(self) -> Option<Told> {
        self.0?.told()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}
