//! Routes, as an axum router declares them.

use std::sync::Arc;

use axum::extract::{MatchedPath, OriginalUri};
use http::request::Parts;

use crate::http::filter::error::FilterError;
use crate::http::filter::glob::printable;
use crate::warnings;

/// A route of a router.
#[derive(Clone, Debug)]
pub(super) struct Route(Arc<str>);

impl Route {
    pub(super) fn new(route: &str) -> Result<Self, FilterError> {
        let Some(segments) = route.strip_prefix('/') else {
            return Err(FilterError::NoSlash(printable(route)));
        };
        match segments.split('/').find_map(mistake) {
            None => Ok(Self(route.into())),
            Some((part, instead)) => Err(FilterError::Route {
                route: printable(route),
                part: printable(part),
                instead,
            }),
        }
    }

    /// Returns `true` if the router has matched the request to this route; `None` outside routing.
    pub(super) fn matches(&self, parts: &Parts) -> Option<bool> {
        let extensions = &parts.extensions;
        match extensions.get::<MatchedPath>() {
            Some(matched) => Some(matched.as_str() == &*self.0),
            // The router has no route for the request.
            None if extensions.get::<OriginalUri>().is_some() => Some(false),
            None => {
                warnings::not_routed(&self.0);
                None
            }
        }
    }
}

/// Returns the part of a segment that axum refuses, or that is likely a mistake, and a suggestion.
fn mistake(segment: &str) -> Option<(&str, &'static str)> {
    if segment.starts_with(':') {
        return Some((segment, "write a parameter in braces, such as `{id}`"));
    }
    if segment.starts_with('*') {
        return Some((
            segment,
            "write the route as the router has it, such as `/files/{*rest}`, or use `filter::path` for patterns",
        ));
    }
    // A doubled brace is literal.
    let single = segment.replace("{{", "").replace("}}", "");
    let (opened, closed) = (single.matches('{').count(), single.matches('}').count());
    let instead = "close each `{` with a `}`, and double a literal brace";
    (opened != closed).then_some((segment, instead))
}
