//! Warns of a server whose eviction policy deletes the states of clients.

use redis::{FromRedisValue, RedisResult, Value, cmd};

use crate::store::redis::connection::Connection;
use crate::warnings;

/// Eviction policies that are suitable for rate limits. Every state has a time to live, so the
/// `volatile-` policies evict states like the `allkeys-` policies do. Only `volatile-ttl` begins
/// with the states that are about to expire.
const SUITABLE: [&str; 2] = ["noeviction", "volatile-ttl"];

/// Logs a warning if the server reports a policy that is not suitable.
pub(crate) async fn check(connection: &mut Connection) {
    if let Some(policy) = policy(connection).await
        && !SUITABLE.contains(&&*policy)
    {
        warnings::evicts(&policy);
    }
}

/// Returns the policy of the server. For a Cluster, this is the first policy that is not suitable.
async fn policy(connection: &mut Connection) -> Option<String> {
    let mut policies = from_info(&query(connection, &["INFO", "memory"]).await);
    if policies.is_empty() {
        policies = from_config(&query(connection, &["CONFIG", "GET", "maxmemory-policy"]).await);
    }
    let unsuitable = policies
        .iter()
        .position(|policy| !SUITABLE.contains(&&**policy));
    (!policies.is_empty()).then(|| policies.swap_remove(unsuitable.unwrap_or(0)))
}

/// Returns the policies in answers to `INFO memory`.
fn from_info(texts: &[String]) -> Vec<String> {
    let lines = texts.iter().flat_map(|text| text.lines());
    let policies = lines.filter_map(|line| line.strip_prefix("maxmemory_policy:"));
    policies.map(str::to_owned).collect()
}

/// Returns the policies in an answer to `CONFIG GET`.
fn from_config(texts: &[String]) -> Vec<String> {
    let pairs = texts.windows(2);
    let policies = pairs.filter(|pair| pair[0] == "maxmemory-policy");
    policies.map(|pair| pair[1].clone()).collect()
}

/// Returns all texts of an answer. There are none if the server does not permit the command.
async fn query(connection: &mut Connection, words: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut command = cmd(words[0]);
    let answer: RedisResult<Value> = command.arg(&words[1..]).query_async(connection).await;
    if let Ok(answer) = answer {
        collect(answer, &mut texts);
    }
    texts
}

/// Adds the texts in an answer, at any depth.
fn collect(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, texts)),
        Value::Map(pairs) => {
            for (key, value) in pairs {
                collect(key, texts);
                collect(value, texts);
            }
        }
        text => texts.extend(String::from_redis_value(text).ok()),
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::{collect, from_config, from_info};

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn texts(value: Value) -> Vec<String> {
        let mut texts = Vec::new();
        collect(value, &mut texts);
        texts
    }

    #[test]
    fn reads_the_policy_from_info() {
        let one = "# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\nx:1\r\n";
        assert_eq!(from_info(&texts(text(one))), ["allkeys-lru"]);
        let nodes = [("a:1", "noeviction"), ("b:2", "allkeys-lfu")].map(|(node, policy)| {
            let info = text(&format!("maxmemory_policy:{policy}\r\n"));
            (text(node), info)
        });
        let nodes = texts(Value::Map(nodes.into()));
        assert_eq!(from_info(&nodes), ["noeviction", "allkeys-lfu"]);
        assert_eq!(from_info(&texts(text("# Memory\r\n"))), [""; 0]);
    }

    #[test]
    fn reads_the_policy_from_the_configuration() {
        let words = ["maxmemory-policy", "volatile-lru"].map(text);
        assert_eq!(
            from_config(&texts(Value::Array(words.into()))),
            ["volatile-lru"]
        );
        let pair = (text("maxmemory-policy"), text("noeviction"));
        assert_eq!(from_config(&texts(Value::Map(vec![pair]))), ["noeviction"]);
        assert_eq!(from_config(&texts(Value::Array(Vec::new()))), [""; 0]);
    }
}
