//! The header fields of several decisions in one response.

use axum_core::response::ResponseParts;
use http::{Extensions, HeaderMap, Response};

use crate::http::response_fields::Told;
use crate::inline_vec::InlineVec1;
use crate::rejection::Refusal;

/// In a response's extensions: the decisions that its fields tell of. A layer above that adds its own
/// needs them for the fields that have room for one policy of all.
#[derive(Clone, Debug)]
struct Written(InlineVec1<Told>);

/// The head of a response.
pub(super) trait Head {
    fn headers(&mut self) -> &mut HeaderMap;
    fn extensions(&mut self) -> &mut Extensions;
}

impl<B> Head for Response<B> {
    fn headers(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn extensions(&mut self) -> &mut Extensions {
        self.extensions_mut()
    }
}

impl Head for ResponseParts {
    fn headers(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn extensions(&mut self) -> &mut Extensions {
        self.extensions_mut()
    }
}

/// Writes the fields of decisions, the outermost first, in front of those that are there. Fields that
/// have room for one policy tell of the one that binds among all decisions, or stay as they are in a
/// refusal. `keep` remembers the decisions for a layer above.
pub(super) fn write(mut decisions: InlineVec1<Told>, keep: bool, response: &mut impl Head) {
    if decisions.is_empty() {
        return;
    }
    let extensions = response.extensions();
    let is_refusal = extensions.get::<Refusal>().is_some();
    let written = extensions.remove::<Written>();
    let headers = response.headers();
    if is_refusal {
        return write_lists(&decisions, headers);
    }
    if let ([only], None) = (&*decisions, &written) {
        only.write(headers);
    } else {
        write_lists(&decisions, headers);
        decisions.extend(written.into_iter().flat_map(|written| written.0));
        Told::write_singles(&decisions, headers);
    }
    if keep && decisions.iter().any(Told::sends_singles) {
        response.extensions().insert(Written(decisions));
    }
}

/// Writes the list fields. Each decision's go in front of those there, so the innermost comes first.
fn write_lists(decisions: &[Told], headers: &mut HeaderMap) {
    for told in decisions.iter().rev() {
        told.write_lists(headers);
    }
}
