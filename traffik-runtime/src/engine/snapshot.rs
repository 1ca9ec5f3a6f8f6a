//! The states of clients at one moment.

use crate::inline_vec::InlineVec4;
use crate::store::plan::Plan;
use crate::strategy::kernel::state::State;

/// The states of plans at one moment.
pub(crate) struct Snapshot<'a> {
    /// The moment, in microseconds of Unix time.
    pub(crate) now: u64,
    pub(crate) states: InlineVec4<State>,
    /// The plans of the states, if another backend was read and they are not the batch's own.
    pub(crate) plans: Option<InlineVec4<Plan<'a>>>,
}
