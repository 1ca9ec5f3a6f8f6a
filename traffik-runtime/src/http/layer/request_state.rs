//! The state that layers and the handlers below them share for one request.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::{mem, ptr};

use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, Response};
use parking_lot::{Mutex, MutexGuard};

use crate::definition::Definition;
use crate::engine::hit::ThrottleHit;
use crate::engine::hit_set::{HitSet, counted};
use crate::http::combined_fields;
use crate::http::response_fields::ResponseFields;
use crate::inline_vec::InlineVec1;
use crate::rejection::{Earlier, EarlierFields};
use crate::warnings;

/// The decisions on one request whose header fields wait for a response, and the throttles that
/// have counted it. It is in the request's extensions.
///
/// An extractor adds its decision, because it has no response to write to. The first code of this
/// crate that has one removes all decisions of the handler and writes them in the order in which
/// they were made: the handler's end, a refusal, or an argument that is rejected. If none of them
/// is reached, the layer above writes them.
///
/// A clone is the state of a copied request, such as a retry or a request that a handler makes. It
/// has decisions of its own.
#[derive(Debug)]
pub(crate) struct RequestState {
    shared: Arc<Shared>,
    /// The number of the copy whose decisions these are; `None` in a copy without decisions.
    request: Option<NonZeroUsize>,
}

/// The number of a request that is no copy.
const ORIGINAL: NonZeroUsize = NonZeroUsize::MIN;

#[derive(Debug, Default)]
struct Shared {
    /// Set at once by a layer below another.
    above: OnceLock<RequestState>,
    /// `true` if a layer writes what is left.
    is_of_layer: bool,
    counted: InlineVec1<&'static Definition>,
    /// Made by the first extractor, since most requests have none.
    pending: OnceLock<Box<Mutex<Pending>>>,
}

#[derive(Debug, Default)]
struct Pending {
    decisions: InlineVec1<(NonZeroUsize, ResponseFields)>,
    /// The throttles that extractors have counted.
    counted: InlineVec1<&'static Definition>,
    /// The number of copies of the request that decisions were made for.
    copies: usize,
}

impl RequestState {
    /// Returns the state of a request, if there is one.
    pub(crate) fn of(parts: &Parts) -> Option<&Self> {
        parts.extensions.get()
    }

    /// Returns the state of a request for an extractor to add to. Creates it if there is none.
    pub(crate) fn join(extensions: &mut Extensions) -> Self {
        Self::joined(extensions).unwrap_or_else(|| {
            let state = Self::new(Shared::default());
            extensions.insert(state.share());
            state
        })
    }

    /// Returns the state of a request for an extractor to add to, if there is one.
    pub(crate) fn joined(extensions: &mut Extensions) -> Option<Self> {
        let state = extensions.get::<Self>()?;
        if state.request.is_some() {
            return Some(state.share());
        }
        let mut pending = state.shared.pending();
        pending.copies += 1;
        // The request itself has the first number.
        let request = ORIGINAL.checked_add(pending.copies);
        drop(pending);
        let own = Self {
            shared: state.shared.clone(),
            request,
        };
        extensions.insert(own.share());
        Some(own)
    }

    /// Puts the state below a layer that has counted the request on these throttles in the place
    /// of the state above it, and returns it.
    #[inline]
    pub(crate) fn below(
        extensions: &mut Extensions,
        counted: InlineVec1<&'static Definition>,
    ) -> Self {
        let state = Self::new(Shared {
            is_of_layer: true,
            counted,
            ..Shared::default()
        });
        if let Some(above) = extensions.insert(state.share()) {
            let _ = state.shared.above.set(above);
        }
        state
    }

    fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
            request: Some(ORIGINAL),
        }
    }

    /// Returns another handle of this state.
    pub(crate) fn share(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            request: self.request,
        }
    }

    /// Logs a warning if a layer above has counted one of these hits of a request.
    pub(crate) fn warn_of_repeated(state: Option<&Self>, hits: &[ThrottleHit<'static>]) {
        let Some(state) = state else { return };
        let repeated = counted(hits).find(|definition| state.has(definition));
        if let Some(definition) = repeated {
            warnings::counted_twice(definition.uid());
        }
    }

    /// Logs a warning if a layer above has counted one of the hits of the layer of this state.
    #[inline]
    pub(crate) fn warn_of_repeated_above(&self, hits: &[ThrottleHit<'static>]) {
        Self::warn_of_repeated(self.shared.above.get(), hits);
    }

    /// Logs a warning if throttles have counted the request in the embedded backend before a
    /// backend was provided.
    pub(crate) fn warn_of_late_backend(extensions: &Extensions) {
        let Some(state) = extensions.get::<Self>() else {
            return;
        };
        warnings::provided_late(|| {
            let counted = state.all_counted().into_iter();
            let embedded = counted.filter(|definition| definition.settings.backend.get().is_none());
            let uids: Vec<_> = embedded
                .map(|definition| format!("`{}`", definition.uid()))
                .collect();
            (!uids.is_empty()).then(|| uids.join(", "))
        });
    }

    /// Adds the throttles that an extractor has counted.
    pub(crate) fn add_counted(&self, hits: &HitSet) {
        self.shared.pending().counted.extend(counted(hits.hits()));
    }

    /// Returns the throttles that were counted for the request, those of the outermost layer first.
    fn all_counted(&self) -> InlineVec1<&'static Definition> {
        let above = self.shared.above.get();
        let mut counted = above.map_or_else(InlineVec1::new, Self::all_counted);
        counted.extend(self.shared.counted.iter().copied());
        if let Some(pending) = self.shared.pending.get() {
            counted.extend(pending.lock().counted.iter().copied());
        }
        counted
    }

    /// Adds the fields of a decision.
    pub(crate) fn add_pending(&self, fields: ResponseFields) {
        if !fields.is_empty() {
            let request = self.request.unwrap_or(ORIGINAL);
            self.shared.pending().decisions.push((request, fields));
        }
    }

    /// Removes and returns the pending decisions of this request, the first made first.
    pub(crate) fn take_pending(&self) -> InlineVec1<ResponseFields> {
        self.shared.take_pending(self.request)
    }

    /// Writes the fields of the pending decisions of this request.
    pub(crate) fn write<B>(&self, response: &mut Response<B>) {
        combined_fields::write(self.take_pending(), true, response);
    }

    /// Returns the fields of the pending decisions, for a rejection to write.
    pub(crate) fn earlier(&self) -> Earlier {
        Earlier {
            fields: self.shared.clone(),
            request: self.request,
        }
    }

    /// Writes the fields of a layer's own decision, and of all that are pending below it.
    pub(crate) fn write_layer<B>(&self, own: ResponseFields, response: &mut Response<B>) {
        let above = self.shared.above.get();
        let pending = self.shared.pending.get();
        if let (None, None) = (above, pending) {
            return combined_fields::write_one(own, false, response);
        }
        // Where no layer stands above, nothing else will write what an extractor there has decided.
        let begun = above.filter(|above| !above.shared.is_of_layer);
        let mut decisions = begun.map_or_else(InlineVec1::new, Self::take_pending);
        decisions.extend(Some(own).filter(|own| !own.is_empty()));
        if let Some(pending) = pending {
            decisions.extend(without_request(mem::take(&mut pending.lock().decisions)));
        }
        combined_fields::write(decisions, above.is_some(), response);
    }

    fn has(&self, definition: &Definition) -> bool {
        let mut counted = self.shared.counted.iter();
        let above = self.shared.above.get();
        counted.any(|other| ptr::eq(*other, definition))
            || above.is_some_and(|above| above.has(definition))
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.get_or_init(Box::default).lock()
    }

    /// Removes and returns the pending decisions of one copy of the request.
    fn take_pending(&self, copy: Option<NonZeroUsize>) -> InlineVec1<ResponseFields> {
        let Some(pending) = self.pending.get() else {
            return InlineVec1::new();
        };
        let mut pending = pending.lock();
        let decisions = mem::take(&mut pending.decisions);
        let (own, others) = decisions
            .into_iter()
            .partition(|(request, _)| copy == Some(*request));
        pending.decisions = others;
        without_request(own)
    }
}

impl EarlierFields for Shared {
    fn write(&self, request: Option<NonZeroUsize>, response: &mut Response<Bytes>) {
        combined_fields::write(self.take_pending(request), true, response);
    }
}

/// Creates the state of a copied request.
impl Clone for RequestState {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            request: None,
        }
    }
}

fn without_request(
    decisions: InlineVec1<(NonZeroUsize, ResponseFields)>,
) -> InlineVec1<ResponseFields> {
    decisions.into_iter().map(|(_, fields)| fields).collect()
}
