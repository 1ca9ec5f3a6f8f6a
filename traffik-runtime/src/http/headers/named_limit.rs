//! Limits as header fields report them, and the one that binds.

use crate::decision::Report;
use crate::engine::report::{LimitStatus, binding};

/// The report on a limit, with the name of its policy.
pub(super) type NamedLimit<'a> = LimitStatus<&'a str>;

/// The largest integer that a structured field can represent (RFC 9651).
pub(super) const MAX_INTEGER: u64 = 999_999_999_999_999;

/// Returns the quota and the report of the limit that binds; `None` if no law has decided.
pub(super) fn binding_limit<'l>(
    limits: impl Iterator<Item = &'l NamedLimit<'l>> + Clone,
) -> Option<(u64, &'l Report)> {
    let decided = limits.filter_map(|limit| Some((limit.quota, limit.report.as_ref()?)));
    let index = binding(decided.clone().map(|(_, report)| report))?;
    decided.clone().nth(index)
}
