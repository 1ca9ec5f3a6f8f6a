//! Who a request's client is, remembered for its time: identifiers may ask a database.

use std::sync::Arc;

use http::request::Parts;
use parking_lot::Mutex;

use crate::definition::Definition;
use crate::identity::Identity;
use crate::inline_vec::InlineVec1;

/// In a request's extensions: who its client is to throttles that have asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(Arc<Mutex<InlineVec1<Client>>>);

/// Who the client is to one throttle.
type Client = (&'static Definition, Identity);

impl Known {
    /// Has what throttles find out from now on remembered with the request.
    pub(crate) fn remember(parts: &mut Parts) {
        parts.extensions.get_or_insert_default::<Self>();
    }

    /// What is remembered with a request, if anything is.
    pub(crate) fn of(parts: &Parts) -> Option<&Self> {
        parts.extensions.get()
    }

    pub(crate) fn get(&self, throttle: &'static Definition) -> Option<Identity> {
        let known = self.0.lock();
        let mut known = known.iter();
        let known = known.find(|(definition, _)| std::ptr::eq(*definition, throttle))?;
        Some(known.1.clone())
    }

    pub(crate) fn add(&self, throttle: &'static Definition, client: Identity) {
        self.0.lock().push((throttle, client));
    }
}
