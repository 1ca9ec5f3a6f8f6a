//! What a layer and what is below it know of one request together.

use std::mem;
use std::ptr;
use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use parking_lot::Mutex;

use super::told::Told;
use crate::observe;
use crate::throttle::{Asking, Definition, Few};

/// In a request's extensions: what layers have counted, and what is still to be written into the response. A gate leaves
/// what it would write, since the handler may never be asked: another argument may be refused after quota was spent.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    above: Option<Trail>,
    counted: Few<&'static Definition>,
    left: Mutex<Left>,
}

#[derive(Debug, Default)]
struct Left {
    told: Few<Option<Told>>,
    /// Whether something further in refused the request.
    refused: bool,
}

/// What a gate left, until it has written it itself.
#[derive(Debug)]
pub(super) struct Leaving {
    trail: Trail,
    place: usize,
}

impl Trail {
    /// The trail of a request, if there is a layer above.
    pub(super) fn of(parts: &Parts) -> Option<&Self> {
        parts.extensions.get()
    }

    /// The trail below a layer that has counted this.
    pub(super) fn below(parts: &Parts, asking: &Asking) -> Self {
        Self(Arc::new(Shared {
            above: Self::of(parts).cloned(),
            counted: asking.counted().collect(),
            left: Mutex::default(),
        }))
    }

    /// Tells the log if a layer above has counted the same.
    pub(super) fn warn_of_repeated(&self, asking: &Asking) {
        let repeated = asking.counted().find(|definition| self.has(definition));
        if let Some(definition) = repeated {
            observe::counted_twice(&definition.uid);
        }
    }

    /// Leaves what is to be written if nobody else does.
    pub(super) fn leave(&self, told: Told) -> Leaving {
        let mut left = self.0.left.lock();
        left.told.push(Some(told));
        Leaving {
            trail: self.clone(),
            place: left.told.len() - 1,
        }
    }

    /// Notes for all layers above that the request was refused.
    pub(super) fn refuse(&self) {
        self.0.left.lock().refused = true;
        if let Some(above) = &self.0.above {
            above.refuse();
        }
    }

    /// Writes what was left, and what the layer itself has to tell: what was decided first stands first.
    pub(super) fn write(&self, own: Option<Told>, headers: &mut HeaderMap) {
        let Left { told, refused } = mem::take(&mut *self.0.left.lock());
        let left = told.into_iter().flatten().rev();
        for told in left.chain(own) {
            if refused {
                told.write_beside_refusal(headers);
            } else {
                told.write(headers);
            }
        }
    }

    fn has(&self, definition: &Definition) -> bool {
        let mut counted = self.0.counted.iter();
        counted.any(|known| ptr::eq(*known, definition))
            || self
                .0
                .above
                .as_ref()
                .is_some_and(|above| above.has(definition))
    }
}

impl Leaving {
    /// Takes back what was left.
    pub(super) fn take(self) -> Option<Told> {
        let mut left = self.trail.0.left.lock();
        left.told.get_mut(self.place).and_then(Option::take)
    }
}
