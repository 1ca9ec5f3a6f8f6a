//! The conditions that filters are made of.

use std::sync::Arc;

use axum::extract::OriginalUri;
use http::request::Parts;

use crate::callback::Callback;
use crate::error::Error;
use crate::http::filter::glob::Glob;
use crate::http::filter::matched_route::Route;
use crate::http::filter::method_list::MethodList;
use crate::http::filter::regex::PathRegex;
use crate::http::filter::segment::normal;

/// A condition on one part of a request, in the order of their costs.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Methods(MethodList),
    Route(Route),
    Glob(Arc<Glob>),
    Regex(PathRegex),
    Predicate(Callback<Parts, Result<bool, Error>>),
}

impl Condition {
    /// Returns `true` if a request matches; `None` if a predicate has to be awaited, or there is no
    /// routing.
    pub(super) fn match_now(&self, parts: &Parts) -> Option<bool> {
        match self {
            Self::Methods(methods) => Some(methods.matches(&parts.method)),
            Self::Route(route) => route.matches(parts),
            Self::Glob(glob) => Some(glob.matches(&normal(path_or_root(parts)))),
            Self::Regex(regex) => Some(regex.matches(&normal(path_or_root(parts)))),
            Self::Predicate(_) => None,
        }
    }

    pub(super) const fn is_of_path(&self) -> bool {
        matches!(self, Self::Route(_) | Self::Glob(_) | Self::Regex(_))
    }

    /// Returns the rank of the cost of an evaluation.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Methods(_) => 0,
            Self::Route(_) => 1,
            Self::Glob(_) => 2,
            Self::Regex(_) => 3,
            Self::Predicate(_) => 4,
        }
    }
}

/// Returns the path that the client sent, of which a nested router sees only a part; `None` for
/// `OPTIONS *`, `CONNECT` and request targets that are not paths, which still reach a fallback.
pub(super) fn sent_path(parts: &Parts) -> Option<&str> {
    let sent = parts.extensions.get::<OriginalUri>();
    let path = sent.map_or(&parts.uri, |sent| &sent.0).path();
    path.starts_with('/').then_some(path)
}

fn path_or_root(parts: &Parts) -> &str {
    sent_path(parts).unwrap_or("/")
}
