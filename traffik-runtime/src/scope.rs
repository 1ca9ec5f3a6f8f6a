use std::borrow::Cow;

/// Where a throttle's budget is one and the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Wherever the throttle is used.
    #[default]
    Throttle,
    /// Within a method and a matched route.
    Route,
    /// Within a segment of the application's choice.
    Segment(Cow<'static, str>),
}
