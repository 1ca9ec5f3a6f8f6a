//! The result of an attempt with its policies, and the policies of a set.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::on_error::policy::Policy;

/// A policy, and the members of the set that have it.
#[derive(Debug)]
pub(crate) struct PolicyGroup<'a> {
    pub(crate) policy: Cow<'a, Policy>,
    pub(crate) members: InlineVec4<usize>,
}

/// The result of an attempt, after the policies.
#[derive(Debug)]
pub(crate) enum Resolution<T> {
    /// A backend has decided.
    Decided(T),
    /// No backend has decided, because of this error, and the hit is admitted.
    Allowed(Error),
    /// No backend has decided, because of this error, and the hit is refused for this time.
    Throttled(Duration, Error),
}
