//! Runs the script that decides groups of plans.

use redis::RedisError;

use crate::error::Error;
use crate::inline_vec::InlineVec1;
use crate::store::caller::Caller;
use crate::store::redis::client::Redis;
use crate::store::redis::error::Failed;
use crate::store::redis::protocol::{ScriptGroup, ScriptReply};

/// The replies to groups, each with its own error.
pub(crate) type GroupReplies = InlineVec1<Result<ScriptReply, Error>>;

impl Redis {
    /// Runs the script for one group.
    pub(crate) async fn run_script(
        &self,
        group: ScriptGroup<'_>,
        at: Option<u64>,
        caller: Option<&Caller>,
    ) -> Result<ScriptReply, Error> {
        let mut replies = self.run_groups(&[group], at, caller).await?;
        replies.pop().unwrap_or_else(|| Err(malformed()))
    }

    /// Runs the script for several groups, one after the other in one call.
    pub(crate) async fn run_groups(
        &self,
        groups: &[ScriptGroup<'_>],
        at: Option<u64>,
        caller: Option<&Caller>,
    ) -> Result<GroupReplies, Error> {
        let supervisor = self.supervisor()?;
        let answers = supervisor.with_live(supervisor.deadline(), caller, |live| async move {
            let answers = live.batches.run(live.connection, groups, at).await?;
            // An error that every group has met, or that breaks the connection.
            let failed = answers.iter().filter_map(|answer| answer.as_ref().err());
            let is_common = failed.clone().count() == answers.len();
            let breaks = |error: &&RedisError| Failed::Server((*error).clone()).breaks_connection();
            let mut failed = failed.filter(|error| is_common || breaks(error));
            failed.next().map_or(Ok(()), |error| Err(error.clone()))?;
            Ok(answers)
        });
        let replies = answers.await?.into_iter().map(|values| {
            let values = values.map_err(Failed::Server)?;
            ScriptReply::parse(values).ok_or_else(malformed)
        });
        Ok(replies.collect())
    }
}

fn malformed() -> Error {
    Error::backend("the reply of a script is malformed")
}
