//! The time at which a change takes effect.

use serde::Serialize;

/// The time at which a change by the [`Registry`](crate::definition::registry::Registry) takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum Applied {
    /// On the next hit: a throttle of this uid is registered.
    Now,
    /// Before the first decision of a throttle of this uid: none is registered yet. What waits is listed by
    /// [`Registry::pending`](crate::definition::registry::Registry::pending), with the uid that may have been meant.
    Pending,
}
