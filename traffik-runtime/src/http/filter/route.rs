//! Routes, as an axum router declares them.

use std::sync::Arc;

use axum::extract::{MatchedPath, OriginalUri};
use http::request::Parts;

use crate::http::filter::error::FilterError;
use crate::http::filter::glob::printable;
use crate::warnings;

/// A route that a request was matched to.
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

    /// Reports whether the request was matched to this route; `None` outside routing, where no request is matched to any.
    pub(super) fn matches(&self, parts: &Parts) -> Option<bool> {
        let extensions = &parts.extensions;
        match extensions.get::<MatchedPath>() {
            Some(matched) => Some(matched.as_str() == &*self.0),
            // A router has seen it, and found none of its routes.
            None if extensions.get::<OriginalUri>().is_some() => Some(false),
            None => {
                warnings::not_routed(&self.0);
                None
            }
        }
    }
}

/// Returns what of a segment axum refuses as a route, or was hardly meant, and what to write instead.
fn mistake(segment: &str) -> Option<(&str, &'static str)> {
    if segment.starts_with(':') {
        return Some((segment, "a parameter stands in braces, such as `{id}`"));
    }
    if segment.starts_with('*') {
        return Some((
            segment,
            "write the route as the router has it, such as `/files/{*rest}`, or use `filter::path` for patterns",
        ));
    }
    // A brace that is doubled stands for itself.
    let plain = segment.replace("{{", "").replace("}}", "");
    let (opened, closed) = (plain.matches('{').count(), plain.matches('}').count());
    let instead = "close each `{` with a `}`; a brace that stands for itself is doubled";
    (opened != closed).then_some((segment, instead))
}
