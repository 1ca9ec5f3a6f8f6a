//! Settles plans whose keys are on one server.

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::store::caller::Caller;
use crate::store::cas_retry::Retries;
use crate::store::codec::encode;
use crate::store::redis::client::Redis;
use crate::store::redis::compare_and_set::millis;
use crate::store::redis::protocol::ScriptGroup;
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

impl Redis {
    /// Settles plans whose keys are on one server: on the states that were read, which are written
    /// if they have not changed.
    pub(crate) async fn settle_slot(
        &self,
        settlements: &[Settlement<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<(), Error> {
        let Some(first) = settlements.first() else {
            return Ok(());
        };
        let plans: Vec<_> = settlements.iter().map(|it| it.plan.clone()).collect();
        let mut retries = Retries::new(&first.plan.name);
        loop {
            let reply = self
                .run_script(ScriptGroup::Read(&plans), at, Some(caller))
                .await?;
            let states = settlements.iter().zip(&reply.values);
            let states = states.map(|(it, value)| it.state_of(value, reply.now));
            let mut states: InlineVec4<State> = states.collect();
            let mut new = Vec::with_capacity(settlements.len());
            for (index, settlement) in settlements.iter().enumerate() {
                let name = &settlement.plan.name;
                // The second of two settlements on one key finds the state that the first leaves.
                let earlier = plans[..index].iter().rposition(|plan| plan.name == *name);
                let mut state = states[earlier.unwrap_or(index)].clone();
                let is_gone = settlement.adjustment.is_refund() && reply.values[index].is_empty();
                let changes = !is_gone && settlement.apply(&mut state, reply.now);
                let bytes = changes.then(|| encode(&settlement.plan, &state));
                let ttl = millis(settlement.plan.retention(&state, reply.now), at);
                new.push((&settlement.plan, bytes, ttl));
                states[index] = state;
            }
            let changes = new.iter().any(|(_, bytes, _)| bytes.is_some());
            if !changes || self.replace(&reply, Some(caller), new.into_iter()).await? {
                return Ok(());
            }
            retries.again().await?;
        }
    }
}
