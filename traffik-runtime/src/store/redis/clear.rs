//! Removes all keys of a namespace in small batches, which do not block the server.

use redis::Cmd;

use crate::error::Error;
use crate::store::redis::client::Redis;
use crate::store::redis::connection::Connection;
use crate::store::redis::error::Failed;

/// The number of keys that the server examines for one answer.
const BATCH: usize = 1_000;

/// The answer to a scan: the next cursor, and the keys that were found.
type Batch = (u64, Vec<Vec<u8>>);

/// Removes every key with this prefix. A prefix consists of encoded names, which contain no
/// wildcards.
pub(crate) async fn clear(redis: &Redis, prefix: &str) -> Result<(), Error> {
    let nodes = nodes(redis).await?;
    for node in &nodes {
        let mut cursor = 0;
        loop {
            let (next, keys) = send(redis, node.as_deref(), scan(cursor, prefix)).await?;
            if !keys.is_empty() {
                let unlinks = keys.iter().map(|key| redis::cmd("UNLINK").arg(key).take());
                let _: Vec<u64> = redis.all(unlinks).await?;
            }
            cursor = next;
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
    cmd.arg("COUNT").arg(BATCH);
    cmd
}

/// Returns the addresses of all primaries; a single server has no address here.
async fn nodes(redis: &Redis) -> Result<Vec<Option<String>>, Failed> {
    let supervisor = redis.supervisor()?;
    let sent = supervisor.with(supervisor.deadline(), None, |connection| async move {
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
    sent.await
}

/// Sends a scan to one node.
async fn send(redis: &Redis, node: Option<&str>, scan: Cmd) -> Result<Batch, Failed> {
    let supervisor = redis.supervisor()?;
    let sent = supervisor.with(supervisor.deadline(), None, |mut connection| async move {
        match (&mut connection, node) {
            #[cfg(feature = "redis-cluster")]
            (Connection::Cluster(nodes), Some(node)) => {
                let answer = nodes.send_to(node, scan).await?;
                Ok(redis::from_redis_value(answer)?)
            }
            _ => scan.query_async(&mut connection).await,
        }
    });
    sent.await
}
