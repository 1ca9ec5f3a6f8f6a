//! The decisions of one request that no response tells of yet.

use std::sync::Arc;
use std::{mem, ptr};

use http::request::Parts;
use http::{Extensions, Response};
use parking_lot::Mutex;

use crate::definition::Definition;
use crate::engine::hit::Asking;
use crate::http::combined_fields;
use crate::http::response_fields::Told;
use crate::inline_vec::InlineVec1;
use crate::warnings;

/// In a request's extensions: the decisions made for it whose fields are still to be written, and the
/// throttles that layers have counted.
///
/// An extractor adds its decision, since it has no response to write to. The first code of this crate
/// that has one takes all of the handler's decisions and writes them in the order in which they were
/// made: the handler's end, a refusal, an argument that is rejected. If none of them is reached, the
/// layer above does.
///
/// A clone is the trail of a copied request: a retry or a request that a handler makes of its own. It
/// keeps its decisions apart from those of the original.
#[derive(Debug)]
pub(crate) struct Trail {
    shared: Arc<Shared>,
    /// The request that decisions belong to; `None` in a copy that nothing has been decided for.
    request: Option<usize>,
}

#[derive(Debug, Default)]
struct Shared {
    above: Option<Trail>,
    /// Whether a layer stands above, which writes what is left.
    is_of_layer: bool,
    counted: InlineVec1<&'static Definition>,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    decisions: InlineVec1<(usize, Told)>,
    /// The throttles that extractors have counted.
    counted: InlineVec1<&'static Definition>,
    /// The number of copies of the request that decisions were made for.
    copies: usize,
}

impl Trail {
    /// Returns the trail of a request, if there is one.
    pub(crate) fn of(parts: &Parts) -> Option<&Self> {
        parts.extensions.get()
    }

    /// Returns the trail of a request for an extractor to add to, and begins it if there is none.
    pub(crate) fn join(extensions: &mut Extensions) -> Self {
        Self::joined(extensions).unwrap_or_else(|| {
            let trail = Self::new(Shared::default());
            extensions.insert(trail.share());
            trail
        })
    }

    /// Returns the trail of a request for an extractor to add to, if there is one.
    pub(crate) fn joined(extensions: &mut Extensions) -> Option<Self> {
        let trail = extensions.get::<Self>()?;
        if trail.request.is_some() {
            return Some(trail.share());
        }
        let mut pending = trail.shared.pending.lock();
        pending.copies += 1;
        let request = Some(pending.copies);
        drop(pending);
        let own = Self {
            shared: trail.shared.clone(),
            request,
        };
        extensions.insert(own.share());
        Some(own)
    }

    /// Returns the trail below a layer that has counted these hits.
    pub(crate) fn below(parts: &Parts, asking: &Asking) -> Self {
        Self::new(Shared {
            above: Self::of(parts).map(Self::share),
            is_of_layer: true,
            counted: asking.counted().collect(),
            pending: Mutex::default(),
        })
    }

    fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
            request: Some(0),
        }
    }

    /// Returns another handle of the same request's trail.
    pub(crate) fn share(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            request: self.request,
        }
    }

    /// Logs a warning if a layer above has counted the same hit.
    pub(crate) fn warn_of_repeated(&self, asking: &Asking) {
        let repeated = asking.counted().find(|definition| self.has(definition));
        if let Some(definition) = repeated {
            warnings::counted_twice(definition.uid());
        }
    }

    /// Logs a warning if throttles have decided on the request in the embedded backend, before one was provided.
    pub(crate) fn warn_of_late_backend(extensions: &Extensions) {
        let Some(trail) = extensions.get::<Self>() else {
            return;
        };
        warnings::provided_late(|| {
            let counted = trail.all_counted().into_iter();
            let embedded = counted.filter(|definition| definition.settings.backend.get().is_none());
            let uids: Vec<_> = embedded
                .map(|definition| format!("`{}`", definition.uid()))
                .collect();
            (!uids.is_empty()).then(|| uids.join(", "))
        });
    }

    /// Adds the throttles that an extractor has counted.
    pub(crate) fn add_counted(&self, asking: &Asking) {
        let mut pending = self.shared.pending.lock();
        pending.counted.extend(asking.counted());
    }

    /// Returns the throttles that were counted for the request, those of the outermost layer first.
    fn all_counted(&self) -> InlineVec1<&'static Definition> {
        let above = self.shared.above.as_ref();
        let mut counted = above.map_or_else(InlineVec1::new, Self::all_counted);
        counted.extend(self.shared.counted.iter().copied());
        counted.extend(self.shared.pending.lock().counted.iter().copied());
        counted
    }

    /// Adds a decision whose fields are still to be written.
    pub(crate) fn add(&self, told: Told) {
        if !told.is_silent() {
            let request = self.request.unwrap_or_default();
            self.shared.pending.lock().decisions.push((request, told));
        }
    }

    /// Removes and returns the pending decisions of this request, the first made first.
    pub(crate) fn take(&self) -> InlineVec1<Told> {
        let mut pending = self.shared.pending.lock();
        let decisions = mem::take(&mut pending.decisions);
        let (own, others) = decisions
            .into_iter()
            .partition(|(request, _)| self.request == Some(*request));
        pending.decisions = others;
        without_request(own)
    }

    /// Writes the fields of the pending decisions of this request.
    pub(crate) fn write<B>(&self, response: &mut Response<B>) {
        combined_fields::write(self.take(), true, response);
    }

    /// Writes the fields of a layer's own decision, and of all that are pending below it.
    pub(crate) fn write_layer<B>(&self, own: Option<Told>, response: &mut Response<B>) {
        let above = self.shared.above.as_ref();
        // Where no layer stands above, nothing else will write what an extractor there has decided.
        let begun = above.filter(|above| !above.shared.is_of_layer);
        let mut decisions = begun.map_or_else(InlineVec1::new, Self::take);
        decisions.extend(own.filter(|own| !own.is_silent()));
        let pending = mem::take(&mut self.shared.pending.lock().decisions);
        decisions.extend(without_request(pending));
        combined_fields::write(decisions, above.is_some(), response);
    }

    fn has(&self, definition: &Definition) -> bool {
        let mut counted = self.shared.counted.iter();
        let above = self.shared.above.as_ref();
        counted.any(|known| ptr::eq(*known, definition))
            || above.is_some_and(|above| above.has(definition))
    }
}

/// Makes the trail of a copied request.
impl Clone for Trail {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            request: None,
        }
    }
}

fn without_request(decisions: InlineVec1<(usize, Told)>) -> InlineVec1<Told> {
    decisions.into_iter().map(|(_, told)| told).collect()
}
