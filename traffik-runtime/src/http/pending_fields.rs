//! Header fields that wait for the handler's response.

use std::fmt;

use crate::http::admitted_limit::AdmittedLimit;
use crate::http::combined_fields;
use crate::http::combined_fields::ResponseHead;
use crate::http::fields::Fields;
use crate::http::layer::request_state::RequestState;
use crate::http::response_fields::ResponseFields;
use crate::inline_vec::InlineVec1;

/// The header fields of a request that was let through, until there is a response: those of one
/// decision, or all that the request's state has.
///
/// Every handler holds one in its future, and the compiler proves of each that its parts are
/// `Send`. Behind `dyn` that is one step instead of two hundred.
#[doc(hidden)]
#[derive(Default)]
pub struct PendingFields(Pending);

#[derive(Default)]
enum Pending {
    #[default]
    None,
    /// Those of one decision, as most requests have them.
    Admitted(AdmittedLimit),
    /// Any others.
    Source(Box<dyn FieldSource>),
}

/// A source of header fields.
trait FieldSource: Send + Sync {
    /// Returns the fields, and `true` if other code may write more to the same response.
    fn take(self: Box<Self>) -> (InlineVec1<ResponseFields>, bool);
}

impl FieldSource for Fields {
    fn take(self: Box<Self>) -> (InlineVec1<ResponseFields>, bool) {
        let fields = ResponseFields::of_fields(self);
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
    #[inline]
    pub(super) fn new(fields: ResponseFields, state: Option<&RequestState>) -> Self {
        if let Some(state) = state {
            state.add_pending(fields);
            return Self(Pending::Source(Box::new(state.share())));
        }
        Self(match fields.into_inner() {
            None => Pending::None,
            Some(Ok(limit)) => Pending::Admitted(limit),
            Some(Err(fields)) => Pending::Source(fields),
        })
    }

    /// Writes the fields, unless an earlier response has them.
    pub(super) fn write(self, response: &mut impl ResponseHead) {
        match self.0 {
            Pending::None => {}
            Pending::Admitted(limit) => {
                combined_fields::write_one(ResponseFields::of_limit(limit), false, response);
            }
            Pending::Source(source) => {
                let (decisions, more_follow) = source.take();
                combined_fields::write(decisions, more_follow, response);
            }
        }
    }
}

impl fmt::Debug for PendingFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingFields").finish_non_exhaustive()
    }
}
