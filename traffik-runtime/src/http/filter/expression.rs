//! Boolean expressions of conditions.

use http::request::Parts;

use crate::error::Error;
use crate::flow::BoxFuture;
use crate::http::filter::condition::{Condition, sent_path};

/// A boolean expression. Only conditions are negated, and no list contains another of its kind, so
/// that all conditions can be evaluated in the order of their costs.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Condition {
        condition: Condition,
        /// The value with which the expression matches.
        wanted: bool,
        /// The result for requests without a path; `None` compares them as `/`.
        pathless: Option<bool>,
    },
    /// A disjunction (`any`) or a conjunction of expressions, the cheap ones first.
    List {
        any: bool,
        children: Vec<Expression>,
    },
}

impl Expression {
    pub(super) const fn of(condition: Condition) -> Self {
        Self::Condition {
            condition,
            wanted: true,
            pathless: None,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self::list(false, [self, other])
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self::list(true, [self, other])
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Condition {
                condition,
                wanted,
                pathless,
            } => Self::Condition {
                condition,
                wanted: !wanted,
                pathless: pathless.map(|matches| !matches),
            },
            Self::List { any, children } => Self::List {
                any: !any,
                children: children.into_iter().map(Self::not).collect(),
            },
        }
    }

    /// Returns the expression in which no condition on the path, negated or not, matches a request
    /// without a path.
    pub(super) fn exempting(self) -> Self {
        match self {
            Self::Condition {
                condition, wanted, ..
            } => Self::Condition {
                pathless: condition.is_of_path().then_some(false),
                condition,
                wanted,
            },
            Self::List { any, children } => Self::List {
                any,
                children: children.into_iter().map(Self::exempting).collect(),
            },
        }
    }

    fn list(any: bool, nodes: [Self; 2]) -> Self {
        let flat = nodes.into_iter().flat_map(|node| match node {
            Self::List {
                any: kind,
                children,
            } if kind == any => children,
            node => vec![node],
        });
        let mut children: Vec<_> = flat.collect();
        children.sort_by_key(Self::rank);
        Self::List { any, children }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Condition { condition, .. } => condition.rank(),
            Self::List { children, .. } => {
                children.iter().map(Self::rank).max().unwrap_or_default()
            }
        }
    }

    /// Returns `true` if a request matches; `None` if a predicate has to be awaited.
    pub(super) fn match_now(&self, parts: &Parts) -> Option<bool> {
        match self {
            Self::Condition {
                pathless: Some(matches),
                ..
            } if sent_path(parts).is_none() => Some(*matches),
            // Outside routing neither a route nor its negation matches.
            Self::Condition {
                condition: Condition::Route(route),
                wanted,
                ..
            } => Some(route.matches(parts) == Some(*wanted)),
            Self::Condition {
                condition, wanted, ..
            } => condition.match_now(parts).map(|is| is == *wanted),
            Self::List { any, children } => {
                let mut open = false;
                for child in children {
                    match child.match_now(parts) {
                        Some(matches) if matches == *any => return Some(matches),
                        Some(_) => {}
                        None => open = true,
                    }
                }
                (!open).then_some(!any)
            }
        }
    }

    /// Returns `true` if a request matches, and calls the predicates that this depends on.
    pub(super) fn matches<'a>(&'a self, parts: &'a Parts) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            match self {
                Self::Condition {
                    condition: Condition::Predicate(predicate),
                    wanted,
                    ..
                } => Ok(predicate.call(parts).await? == *wanted),
                Self::Condition { .. } => Ok(self.match_now(parts) == Some(true)),
                Self::List { any, children } => {
                    for child in children {
                        let matches = match child.match_now(parts) {
                            Some(matches) => matches,
                            None => child.matches(parts).await?,
                        };
                        if matches == *any {
                            return Ok(matches);
                        }
                    }
                    Ok(!any)
                }
            }
        })
    }
}
