//! Removing all keys of a namespace, a batch at a time, without holding the server up.

use redis::Cmd;

use crate::error::Error;
use crate::store::redis::client::Redis;
use crate::store::redis::connection::Connection;
use crate::store::redis::error::Failed;

/// How many keys the server looks at in one step.
const STEP: usize = 1_000;

/// A step's answer: where to go on, and what was found.
type Step = (u64, Vec<Vec<u8>>);

/// Removes every key that begins like this. A prefix is made of encoded names, in which no character stands for others.
pub(crate) async fn clear(redis: &Redis, prefix: &str) -> Result<(), Error> {
    let nodes = nodes(redis).await?;
    for node in &nodes {
        let mut cursor = 0;
        loop {
            let step = step(redis, node.as_deref(), scan(cursor, prefix)).await?;
            let keys = step
                .1
                .iter()
                .map(|key| redis::cmd("UNLINK").arg(key).take());
            if !step.1.is_empty() {
                let _: Vec<u64> = redis.all(keys).await?;
            }
            cursor = step.0;
            if cursor == 0 {
                break;
            }
        }
    }
    Ok(())
}

fn scan(cursor: u64, prefix: &str) -> Cmd {
    let mut cmd = redis::cmd("SCAN");
    cmd.arg(cursor).arg("MATCH").arg(format!("{prefix}*"));
    cmd.arg("COUNT").arg(STEP);
    cmd
}

/// The addresses of all nodes that hold keys of their own; one without an address if there is only one.
async fn nodes(redis: &Redis) -> Result<Vec<Option<String>>, Failed> {
    let supervisor = redis.supervisor()?;
    let asked = supervisor.with(supervisor.deadline(), None, |connection| async move {
        match connection {
            Connection::One(_) => Ok(vec![None]),
            #[cfg(feature = "redis-cluster")]
            Connection::Cluster(mut nodes) => {
                let answers = nodes.send_to_all(redis::cmd("PING")).await?;
                let answers: Vec<(String, redis::Value)> = redis::from_redis_value(answers)?;
                Ok(answers.into_iter().map(|(node, _)| Some(node)).collect())
            }
        }
    });
    asked.await
}

async fn step(redis: &Redis, node: Option<&str>, scan: Cmd) -> Result<Step, Failed> {
    let supervisor = redis.supervisor()?;
    let asked = supervisor.with(supervisor.deadline(), None, |mut connection| async move {
        match (&mut connection, node) {
            #[cfg(feature = "redis-cluster")]
            (Connection::Cluster(nodes), Some(node)) => {
                let answer = nodes.send_to(node, scan).await?;
                Ok(redis::from_redis_value(answer)?)
            }
            _ => scan.query_async(&mut connection).await,
        }
    });
    asked.await
}
