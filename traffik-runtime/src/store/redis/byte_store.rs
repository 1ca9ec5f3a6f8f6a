//! The operations on bytes, on Redis.

use std::time::Duration;

use redis::{Cmd, cmd};

use crate::error::Error;
use crate::store::byte_store::Store;
use crate::store::redis::clear::clear;
use crate::store::redis::client::Redis;
use crate::store::redis::connection::Connection;
use crate::store::redis::lua::{COMPARE_AND_SWAP, INCREMENT};

/// The time to live from which a key never expires: Redis counts milliseconds since 1970 in 63
/// bits.
const FOREVER: Duration = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);

impl Store for Redis {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.run(cmd("GET").arg(key)).await?)
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let marked =
            |value: Option<&[u8]>| value.map_or_else(Vec::new, |value| [b"+", value].concat());
        let (expected, new) = (marked(expected), marked(new));
        let ttl = ttl.map_or_else(String::new, |ttl| millis(ttl).unwrap_or(0).to_string());
        let swapped = self.script(&COMPARE_AND_SWAP, None, |cmd| {
            cmd.arg(1).arg(key).arg(&expected).arg(&new).arg(&ttl);
        });
        Ok(swapped.await?)
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        Ok(self.run(&set(key, value, ttl)).await?)
    }

    async fn delete(&self, key: &str) -> Result<bool, Error> {
        Ok(self.run(cmd("UNLINK").arg(key)).await?)
    }

    async fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
        let Some(ttl) = ttl.and_then(millis) else {
            return Ok(self.run(cmd("INCRBY").arg(key).arg(by)).await?);
        };
        let sum = self.script(&INCREMENT, None, |cmd| {
            cmd.arg(1).arg(key).arg(by).arg(ttl);
        });
        Ok(sum.await?)
    }

    async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        match millis(ttl) {
            Some(ttl) => Ok(self.run(cmd("PEXPIRE").arg(key).arg(ttl)).await?),
            // `PERSIST` returns 0 both for a key without a time to live and for an absent key.
            None => {
                let _: bool = self.run(cmd("PERSIST").arg(key)).await?;
                Ok(self.run(cmd("EXISTS").arg(key)).await?)
            }
        }
    }

    async fn multi_get(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.all(keys.iter().map(|key| cmd("GET").arg(key).take()))
            .await
    }

    async fn multi_set(
        &self,
        entries: &[(String, &[u8])],
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let cmds = entries.iter().map(|(key, value)| set(key, value, ttl));
        let _: Vec<()> = self.all(cmds).await?;
        Ok(())
    }

    async fn clear(&self, prefix: &str) -> Result<(), Error> {
        clear(self, prefix).await
    }

    async fn ready(&self) -> Result<(), Error> {
        Ok(self.try_decision().await?)
    }

    async fn close(&self) -> Result<(), Error> {
        self.supervisor()?.close();
        Ok(())
    }
}

impl Redis {
    /// Sends several commands in one pipeline. On a Cluster each goes to its node.
    pub(crate) async fn all<T: redis::FromRedisValue + Send + 'static>(
        &self,
        cmds: impl Iterator<Item = Cmd> + Send,
    ) -> Result<Vec<T>, Error> {
        let supervisor = self.supervisor()?;
        let answers = supervisor.with(supervisor.deadline(), None, |mut connection| async move {
            match &connection {
                Connection::One(_) => {
                    let mut pipeline = redis::pipe();
                    for cmd in cmds {
                        pipeline.add_command(cmd);
                    }
                    pipeline.query_async(&mut connection).await
                }
                #[cfg(feature = "redis-cluster")]
                Connection::Cluster(_) => each(&connection, cmds).await,
            }
        });
        Ok(answers.await?)
    }
}

/// Sends the commands concurrently, each to its node.
#[cfg(feature = "redis-cluster")]
async fn each<T: redis::FromRedisValue + Send + 'static>(
    connection: &Connection,
    cmds: impl Iterator<Item = Cmd>,
) -> redis::RedisResult<Vec<T>> {
    let mut tasks = tokio::task::JoinSet::new();
    for (index, cmd) in cmds.enumerate() {
        let mut connection = connection.clone();
        tasks.spawn(async move { (index, cmd.query_async(&mut connection).await) });
    }
    let mut answers = Vec::with_capacity(tasks.len());
    while let Some(done) = tasks.join_next().await {
        let aborted = |_| (redis::ErrorKind::Client, "the runtime is shutting down");
        let (index, answer): (usize, redis::RedisResult<T>) = done.map_err(aborted)?;
        answers.push((index, answer?));
    }
    answers.sort_unstable_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

fn set(key: &str, value: &[u8], ttl: Option<Duration>) -> Cmd {
    let mut cmd = cmd("SET");
    cmd.arg(key).arg(value);
    if let Some(ttl) = ttl.and_then(millis) {
        cmd.arg("PX").arg(ttl);
    }
    cmd
}

/// Returns a time to live in milliseconds, rounded up because Redis refuses zero. `None` means
/// forever.
fn millis(ttl: Duration) -> Option<u64> {
    let millis = ttl.as_nanos().div_ceil(1_000_000).max(1);
    u64::try_from(millis).ok().filter(|_| ttl < FOREVER)
}
