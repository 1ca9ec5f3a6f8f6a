//! The client of the servers: it sends a command, or a script by its hash or its source.

use std::fmt;
use std::sync::Arc;

use redis::{Cmd, FromRedisValue};
use tokio::time::Instant;

use crate::store::caller::Caller;
use crate::store::redis::error::Failed;
use crate::store::redis::handshake::ConnectionSettings;
use crate::store::redis::lua::READY;
use crate::store::redis::lua::script::Script;
use crate::store::redis::reconnect::Supervisor;

/// Redis, on one server or several.
pub(crate) struct Redis {
    /// The pools, or the reason for which the backend can never work.
    supervisor: Result<Supervisor, String>,
    /// A key of the namespace that never exists.
    absent_key: String,
}

impl Redis {
    pub(crate) fn new(settings: Result<ConnectionSettings, String>, namespace: &str) -> Self {
        Self {
            supervisor: settings.map(|settings| Supervisor::new(Arc::new(settings))),
            absent_key: format!("{{{namespace}:}}:ready"),
        }
    }

    /// Returns the pools of connections.
    pub(crate) fn supervisor(&self) -> Result<&Supervisor, Failed> {
        self.supervisor
            .as_ref()
            .map_err(|message| Failed::Misconfigured(message.clone()))
    }

    /// Returns `true` if the keys are spread over several servers.
    pub(crate) fn is_cluster(&self) -> bool {
        self.supervisor.as_ref().is_ok_and(Supervisor::is_cluster)
    }

    /// Sends one command, on a Cluster to the node of its key. The answer must arrive within the
    /// time limit of an operation.
    pub(crate) async fn run<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Failed> {
        let supervisor = self.supervisor()?;
        self.run_until(supervisor.deadline(), None, cmd).await
    }

    /// Sends one command whose answer must arrive before a deadline. With a caller, a late answer
    /// is awaited without that caller.
    pub(crate) async fn run_until<T: FromRedisValue>(
        &self,
        deadline: Instant,
        caller: Option<&Caller>,
        cmd: &Cmd,
    ) -> Result<T, Failed> {
        let sent = self
            .supervisor()?
            .with(deadline, caller, |mut connection| async move {
                cmd.query_async(&mut connection).await
            });
        sent.await
    }

    /// Runs every command that a decision needs, without changing anything.
    pub(crate) async fn try_decision(&self) -> Result<(), Failed> {
        let script = self.script(&READY, None, |cmd| {
            cmd.arg(1).arg(&self.absent_key);
        });
        script.await.map_err(|failed| match failed {
            failed if failed.is_forbidden() => Failed::Misconfigured(format!(
                "the server does not permit a command that decisions need ({failed}); permit the \
                 commands that the guide's chapter on backends lists"
            )),
            failed => failed,
        })
    }

    /// Runs a script: by its hash, or by its source if the server does not have it.
    ///
    /// `fill` adds the number of keys, the keys and the arguments.
    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        caller: Option<&Caller>,
        fill: impl Fn(&mut Cmd),
    ) -> Result<T, Failed> {
        let supervisor = self.supervisor()?;
        let deadline = supervisor.deadline();
        let call = |name, script: &str| {
            let mut cmd = redis::cmd(name);
            cmd.arg(script);
            fill(&mut cmd);
            cmd
        };
        let by_hash = call("EVALSHA", &script.hash);
        match self.run_until(deadline, caller, &by_hash).await {
            Err(failed) if failed.needs_source() => {
                let deadline = match caller {
                    Some(caller) if caller.is_gone() => supervisor.deadline(),
                    _ => deadline,
                };
                let by_source = call("EVAL", script.source);
                self.run_until(deadline, caller, &by_source).await
            }
            result => result,
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may contain a password.
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}
