use serde::Serialize;

use crate::rate::Rate;

/// One throttle of the registry. Serde writes it with these names, rates as texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// Which throttle it is, in the whole process.
    pub uid: String,
    /// What header fields call it.
    pub name: String,
    /// The rates in force; empty where each request brings its own.
    pub rates: Vec<Rate>,
    /// The rates of the definition; empty where each request brings its own.
    pub defined_rates: Vec<Rate>,
    /// The name of the strategy: `token_bucket`.
    pub strategy: &'static str,
    /// What shares a budget: `throttle`, `route`, or the segment of one's own as the definition writes it.
    pub scope: String,
    /// Whether it limits anybody.
    pub enabled: bool,
    /// The file and line of its definition, where they are known.
    pub place: Option<String>,
}
