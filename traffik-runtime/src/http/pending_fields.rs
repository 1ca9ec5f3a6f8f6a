//! Header fields that wait for the handler's response.

use std::fmt;

use crate::http::combined_fields;
use crate::http::combined_fields::ResponseHead;
use crate::http::layer::request_state::RequestState;
use crate::http::response_fields::{Fields, ResponseFields};
use crate::inline_vec::InlineVec1;

/// The header fields of a request that was let through, until there is a response: those of one
/// decision, or all that the request's state has.
///
/// Every handler holds one in its future, and the compiler proves of each that its parts are
/// `Send`. Behind `dyn` that is one step instead of two hundred.
#[doc(hidden)]
#[derive(Default)]
pub struct PendingFields(Option<Box<dyn FieldSource>>);

/// A source of header fields.
trait FieldSource: Send + Sync {
    /// Returns the fields, and `true` if other code may write more to the same response.
    fn take(self: Box<Self>) -> (InlineVec1<ResponseFields>, bool);
}

impl FieldSource for Fields {
    fn take(self: Box<Self>) -> (InlineVec1<ResponseFields>, bool) {
        let fields = ResponseFields::from_inner(self);
        (InlineVec1::from_buf([fields]), false)
    }
}

impl FieldSource for RequestState {
    fn take(self: Box<Self>) -> (InlineVec1<ResponseFields>, bool) {
        (self.take_pending(), true)
    }
}

impl PendingFields {
    /// Creates the pending fields of a decision, or adds them to those of the request's state.
    pub(super) fn new(fields: ResponseFields, state: Option<&RequestState>) -> Self {
        Self(match state {
            None => fields
                .into_inner()
                .map(|fields| -> Box<dyn FieldSource> { fields }),
            Some(state) => {
                state.add_pending(fields);
                Some(Box::new(state.share()))
            }
        })
    }

    /// Writes the fields, unless an earlier response has them.
    pub(super) fn write(self, response: &mut impl ResponseHead) {
        if let Some(source) = self.0 {
            let (decisions, more_follow) = source.take();
            combined_fields::write(decisions, more_follow, response);
        }
    }
}

impl fmt::Debug for PendingFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingFields").finish_non_exhaustive()
    }
}
