//! The description of a registered throttle.

use std::time::Duration;

use serde::Serialize;

use crate::definition::registry::lease_text;
use crate::rate::Rate;

/// A registered throttle. Serde writes it with these names, and rates and durations as texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// The name of the throttle in the whole process.
    pub uid: String,
    /// The name of its policy in header fields.
    pub name: String,
    /// The rates in force; empty if each request brings its own.
    pub rates: Vec<Rate>,
    /// The rates of the definition; empty if each request brings its own.
    pub defined_rates: Vec<Rate>,
    /// The name of the strategy, such as `token_bucket`.
    pub strategy: &'static str,
    /// The scope within which requests share a budget: `throttle`, `route`, or the segment as the
    /// definition writes it.
    pub scope: String,
    /// `false` if the throttle is disabled and admits every request.
    pub enabled: bool,
    /// The life of its leases as set at run time; `None` if that of its definition or of its
    /// backend applies.
    #[serde(serialize_with = "lease_text::serialize")]
    pub lease: Option<Duration>,
    /// The file and line of its definition, if they are known.
    pub place: Option<String>,
}
