//! The error of a body below a layer.

/// The error of a body of any type.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
