//! Runs the script that decides plans.

use crate::error::Error;
use crate::store::caller::Caller;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::redis::lua::decide::{MANY, one};
use crate::store::redis::protocol::{ScriptArgs, ScriptReply};

impl Redis {
    /// Runs the script that decides these plans at the given costs; at a cost of 0 it only reads.
    pub(crate) async fn run_script(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: Option<&Caller>,
        cost: impl Fn(&Plan<'_>) -> u64,
    ) -> Result<ScriptReply, Error> {
        let time = at.map_or_else(String::new, |at| at.to_string());
        let reply = if let [plan] = plans
            && let [limit] = &*plan.limits
            && let Some(script) = one(&limit.law)
        {
            let args = ScriptArgs::one(&limit.law, cost(plan));
            let answer: Vec<u8> = self
                .script(script, caller, |cmd| {
                    cmd.arg(1).arg(&plan.name).arg(&args.numbers);
                    if !time.is_empty() || !args.pairs.is_empty() {
                        cmd.arg(&time).arg(&args.pairs);
                    }
                })
                .await?;
            ScriptReply::one(answer)
        } else {
            let args = ScriptArgs::many(plans, cost);
            let answer: Vec<Vec<u8>> = self
                .script(&MANY, caller, |cmd| {
                    cmd.arg(plans.len());
                    for plan in plans {
                        cmd.arg(&plan.name);
                    }
                    cmd.arg(&args.numbers).arg(&time);
                })
                .await?;
            ScriptReply::many(answer, plans.len())
        };
        reply.ok_or_else(|| Error::backend("the reply of a script is malformed"))
    }
}
