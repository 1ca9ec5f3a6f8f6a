//! What to tell a client, kept until there is an answer.

use std::fmt;

use crate::http::combined_fields;
use crate::http::combined_fields::Head;
use crate::http::layer::request_state::Trail;
use crate::http::response_fields::Told;
use crate::inline_vec::InlineVec1;

/// What to tell a client, if anything: a decision, or the trail that has it and those made before it.
///
/// For each handler that holds one, the compiler proves of all there is in it that it can be sent to another thread; behind
/// `dyn` that is one step and not two hundred.
#[doc(hidden)]
#[derive(Default)]
pub struct Kept(Option<Box<dyn Tell>>);

/// Something that has something to tell.
pub(crate) trait Tell: Send + Sync {
    /// Returns the decisions whose fields are to be written, and whether others may write after that.
    fn decisions(self: Box<Self>) -> (InlineVec1<Told>, bool);
}

impl Tell for Trail {
    fn decisions(self: Box<Self>) -> (InlineVec1<Told>, bool) {
        (self.take(), true)
    }
}

impl Kept {
    pub(super) fn new(told: Told, trail: Option<&Trail>) -> Self {
        Self(match trail {
            None => told.kept(),
            Some(trail) => {
                trail.add(told);
                Some(Box::new(trail.share()))
            }
        })
    }

    /// Writes the fields, unless a response made before has them.
    pub(super) fn write(self, response: &mut impl Head) {
        if let Some(kept) = self.0 {
            let (decisions, keep) = kept.decisions();
            combined_fields::write(decisions, keep, response);
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}
