//! Decides and reads plans whose keys are on one server, by one script in one round trip.

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::store::caller::Caller;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::redis::protocol::{ScriptGroup, ScriptReply};
use crate::strategy::kernel::state::State;

impl Redis {
    /// Decides plans whose keys are on one server.
    pub(crate) async fn decide_slot(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<StoreOutcome, Error> {
        if plans.iter().any(Plan::is_custom) {
            return self.decide_in_process(plans, at, caller).await;
        }
        let group = ScriptGroup::Decide(plans);
        let reply = self.run_script(group, at, Some(caller)).await?;
        self.outcome(plans, reply, at, caller).await
    }

    /// Returns the outcome of plans by the reply of the script.
    pub(crate) async fn outcome(
        &self,
        plans: &[Plan<'_>],
        reply: ScriptReply,
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<StoreOutcome, Error> {
        let states = reply.states(plans);
        if !reply.admitted {
            if reply.has_malformed_state(plans) {
                // The script reads only a part of a state, so it may have refused by bytes that are
                // no state. Those are replaced.
                return self.decide_in_process(plans, at, caller).await;
            }
            return Ok(StoreOutcome::refused_by(plans, states, reply.now));
        }
        let pairs = plans.iter().zip(&states).enumerate();
        let limits =
            pairs.flat_map(|(index, (plan, state))| plan.limit_reports(index, state, reply.now));
        Ok(StoreOutcome::admitted(reply.now, limits.collect()))
    }

    /// Reads states whose keys are on one server.
    pub(crate) async fn read_slot(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
    ) -> Result<(u64, InlineVec4<State>), Error> {
        let reply = self.run_script(ScriptGroup::Read(plans), at, None).await?;
        Ok((reply.now, reply.states(plans)))
    }
}
