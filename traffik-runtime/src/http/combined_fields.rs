//! The header fields of several decisions in one response.

use axum_core::response::ResponseParts;
use http::{Extensions, HeaderMap, Response};

use crate::http::response_fields::ResponseFields;
use crate::inline_vec::InlineVec1;
use crate::rejection::Refusal;

/// The decisions whose fields a response has, in its extensions. A layer above that adds its own
/// needs them for the fields that have room for one policy of all.
#[derive(Clone, Debug)]
struct Written(InlineVec1<ResponseFields>);

/// The head of a response.
pub(super) trait ResponseHead {
    fn headers(&mut self) -> &mut HeaderMap;
    fn extensions(&mut self) -> &mut Extensions;
}

impl<B> ResponseHead for Response<B> {
    fn headers(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn extensions(&mut self) -> &mut Extensions {
        self.extensions_mut()
    }
}

impl ResponseHead for ResponseParts {
    fn headers(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn extensions(&mut self) -> &mut Extensions {
        self.extensions_mut()
    }
}

/// Writes the fields of one decision, as [`write`] does. `more_follow` stores it for a layer above.
pub(super) fn write_one(
    fields: ResponseFields,
    more_follow: bool,
    response: &mut impl ResponseHead,
) {
    let extensions = response.extensions();
    let is_first = extensions.get::<Refusal>().is_none() && extensions.get::<Written>().is_none();
    if is_first && !more_follow {
        return fields.write(response.headers());
    }
    if !fields.is_empty() {
        write(InlineVec1::from_buf([fields]), more_follow, response);
    }
}

/// Writes the fields of decisions, the outermost first, in front of those that are there. Fields
/// that have room for one policy report the one that binds among all decisions, and are not
/// replaced in a refusal. `more_follow` stores the decisions for a layer above.
pub(super) fn write(
    mut decisions: InlineVec1<ResponseFields>,
    more_follow: bool,
    response: &mut impl ResponseHead,
) {
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
        ResponseFields::write_singles(&decisions, headers);
    }
    if more_follow && decisions.iter().any(ResponseFields::has_singles) {
        response.extensions().insert(Written(decisions));
    }
}

/// Writes the list fields. Those of each decision go in front, so the innermost comes first.
fn write_lists(decisions: &[ResponseFields], headers: &mut HeaderMap) {
    for fields in decisions.iter().rev() {
        fields.write_lists(headers);
    }
}
