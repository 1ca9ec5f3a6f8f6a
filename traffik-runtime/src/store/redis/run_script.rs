//! Runs the script that decides a group of plans.

use crate::error::Error;
use crate::store::caller::Caller;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::redis::protocol::ScriptReply;

impl Redis {
    /// Runs the script that decides these plans at the given costs, all or nothing; at a cost of 0
    /// it only reads.
    pub(crate) async fn run_script(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: Option<&Caller>,
        cost: impl Fn(&Plan<'_>) -> u64,
    ) -> Result<ScriptReply, Error> {
        let supervisor = self.supervisor()?;
        let decided = supervisor.with_live(supervisor.deadline(), caller, |live| async move {
            live.batches.decide(live.connection, plans, at, cost).await
        });
        let reply = ScriptReply::parse(decided.await?);
        reply.ok_or_else(|| Error::backend("the reply of a script is malformed"))
    }
}
