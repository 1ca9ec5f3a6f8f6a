//! What is sent to Redis, and how: one command, or a script that is there or is brought along.

use std::fmt;
use std::sync::Arc;

use redis::{Cmd, FromRedisValue};
use tokio::time::Instant;

use crate::store::caller::Caller;
use crate::store::redis::error::Failed;
use crate::store::redis::lua::{READY, Script};
use crate::store::redis::reconnect::{Settings, Supervisor};

/// A Redis server, or several.
pub(crate) struct Redis {
    /// Or why it could never work.
    supervisor: Result<Supervisor, String>,
    /// A key of the namespace that never exists.
    absent: String,
}

impl Redis {
    pub(crate) fn new(settings: Result<Settings, String>, namespace: &str) -> Self {
        Self {
            supervisor: settings.map(|settings| Supervisor::new(Arc::new(settings))),
            absent: format!("{{{namespace}:}}:ready"),
        }
    }

    pub(crate) fn supervisor(&self) -> Result<&Supervisor, Failed> {
        self.supervisor
            .as_ref()
            .map_err(|message| Failed::Misconfigured(message.clone()))
    }

    /// Whether keys are spread over several servers.
    pub(crate) fn is_cluster(&self) -> bool {
        self.supervisor.as_ref().is_ok_and(Supervisor::is_cluster)
    }

    /// Sends one command, on a Cluster to the node of its key, and waits for the answer for as long as an operation may
    /// take.
    pub(crate) async fn run<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Failed> {
        let supervisor = self.supervisor()?;
        self.run_until(supervisor.deadline(), None, cmd).await
    }

    /// The same with all that is left of an operation's time. If it goes on without its caller, a late answer is awaited.
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

    /// Tries everything that a decision needs, without changing anything.
    pub(crate) async fn try_decision(&self) -> Result<(), Failed> {
        let script = self.script(&READY, None, |cmd| {
            cmd.arg(1).arg(&self.absent);
        });
        script.await.map_err(|failed| match failed {
            failed if failed.is_forbidden() => Failed::Misconfigured(format!(
                "the server does not let this client decide ({failed}); permit the commands that the guide's chapter on \
                 backends lists"
            )),
            failed => failed,
        })
    }

    /// Runs a script: by its hash, and where the server does not know that, by its source.
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
        let call = |name, what: &str| {
            let mut cmd = redis::cmd(name);
            cmd.arg(what);
            fill(&mut cmd);
            cmd
        };
        let known = call("EVALSHA", &script.hash);
        match self.run_until(deadline, caller, &known).await {
            Err(failed) if failed.needs_source() => {
                let deadline = match caller {
                    Some(caller) if caller.is_gone() => supervisor.deadline(),
                    _ => deadline,
                };
                let call = call("EVAL", script.source);
                self.run_until(deadline, caller, &call).await
            }
            result => result,
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may hold a password.
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}
