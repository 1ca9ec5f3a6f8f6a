//! Filters put together.

use std::pin::Pin;

use http::request::Parts;

use crate::error::Error;
use crate::http::filter::{Test, sent_path};

/// Negations stand at the tests only, and lists of a kind hold none of the same kind, so that everything can be looked at
/// in the order of what it costs.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Test {
        test: Test,
        /// What it has to say for the filter to match.
        wanted: bool,
        /// Whether requests without a path match; `None` compares them as `/`.
        pathless: Option<bool>,
    },
    /// Whether one child decides it by matching, or else by not matching; the cheap ones first.
    List { any: bool, children: Vec<Node> },
}

impl Node {
    pub(super) const fn of(test: Test) -> Self {
        Self::Test {
            test,
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
            Self::Test {
                test,
                wanted,
                pathless,
            } => Self::Test {
                test,
                wanted: !wanted,
                pathless: pathless.map(|matches| !matches),
            },
            Self::List { any, children } => Self::List {
                any: !any,
                children: children.into_iter().map(Self::not).collect(),
            },
        }
    }

    /// Returns the filter under which no test of a path, negated or not, matches a request that has none.
    pub(super) fn exempting(self) -> Self {
        match self {
            Self::Test { test, wanted, .. } => Self::Test {
                pathless: test.is_of_path().then_some(false),
                test,
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
            Self::Test { test, .. } => test.rank(),
            Self::List { children, .. } => {
                children.iter().map(Self::rank).max().unwrap_or_default()
            }
        }
    }

    /// The answer, where no predicate has to be asked.
    pub(super) fn known(&self, parts: &Parts) -> Option<bool> {
        match self {
            Self::Test {
                pathless: Some(matches),
                ..
            } if sent_path(parts).is_none() => Some(*matches),
            // Outside routing neither a route nor its negation matches.
            Self::Test {
                test: Test::Route(route),
                wanted,
                ..
            } => Some(route.matches(parts) == Some(*wanted)),
            Self::Test { test, wanted, .. } => test.known(parts).map(|said| said == *wanted),
            Self::List { any, children } => {
                let mut open = false;
                for child in children {
                    match child.known(parts) {
                        Some(said) if said == *any => return Some(said),
                        Some(_) => {}
                        None => open = true,
                    }
                }
                (!open).then_some(!any)
            }
        }
    }

    /// The answer, with every predicate that it takes.
    pub(super) fn matches<'a>(
        &'a self,
        parts: &'a Parts,
    ) -> Pin<Box<dyn Future<Output = Result<bool, Error>> + Send + 'a>> {
        Box::pin(async move {
            match self {
                Self::Test {
                    test: Test::Predicate(predicate),
                    wanted,
                    ..
                } => Ok(predicate.call(parts).await? == *wanted),
                Self::Test { .. } => Ok(self.known(parts) == Some(true)),
                Self::List { any, children } => {
                    for child in children {
                        let said = match child.known(parts) {
                            Some(said) => said,
                            None => child.matches(parts).await?,
                        };
                        if said == *any {
                            return Ok(said);
                        }
                    }
                    Ok(!any)
                }
            }
        })
    }
}
