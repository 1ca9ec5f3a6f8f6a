//! The scope within which requests share a throttle's budget.

use std::borrow::Cow;

/// The scope within which requests of one client share a throttle's budget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// One budget, wherever the throttle is used.
    #[default]
    Throttle,
    /// One budget for each method and matched route.
    Route,
    /// One budget for each segment, a text that the application chooses.
    Segment(Cow<'static, str>),
}
