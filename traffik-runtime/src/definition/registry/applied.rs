//! The time at which a change takes effect.

use serde::Serialize;

/// The time at which a change by the [`Registry`](crate::definition::registry::Registry) takes
/// effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum Applied {
    /// The next hit: a throttle of this uid is registered.
    Now,
    /// The first decision of a throttle of this uid: none is registered yet.
    /// [`Registry::pending`](crate::definition::registry::Registry::pending) lists the changes that
    /// wait, each with the uid that may have been meant.
    Pending,
}

impl Applied {
    /// Returns the time at which a change to these registered throttles takes effect.
    pub(crate) const fn of<T>(throttles: &[T]) -> Self {
        if throttles.is_empty() {
            Self::Pending
        } else {
            Self::Now
        }
    }
}
