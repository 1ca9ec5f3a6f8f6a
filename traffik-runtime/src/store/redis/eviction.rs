//! Warns of a server that evicts keys when its memory is full, and forgets limits with them.

use redis::{FromRedisValue, RedisResult, Value, cmd};

use crate::store::redis::connection::Connection;
use crate::warnings;

/// Policies that suit limits. Every key of a throttle has a time to live, so that all other `volatile-` policies evict them
/// as the `allkeys-` ones do; `volatile-ttl` begins with the states that are about to end.
const SUITABLE: [&str; 2] = ["noeviction", "volatile-ttl"];

/// Logs a warning if the server tells its policy, and that does not suit.
pub(crate) async fn check(connection: &mut Connection) {
    if let Some(policy) = policy(connection).await
        && !SUITABLE.contains(&&*policy)
    {
        warnings::evicts(&policy);
    }
}

/// Returns the server's policy; of a Cluster, the first one that does not suit.
async fn policy(connection: &mut Connection) -> Option<String> {
    let mut policies = of_info(&query(connection, &["INFO", "memory"]).await);
    if policies.is_empty() {
        policies = of_config(&query(connection, &["CONFIG", "GET", "maxmemory-policy"]).await);
    }
    let unsuitable = policies
        .iter()
        .position(|policy| !SUITABLE.contains(&&**policy));
    (!policies.is_empty()).then(|| policies.swap_remove(unsuitable.unwrap_or(0)))
}

fn of_info(texts: &[String]) -> Vec<String> {
    let lines = texts.iter().flat_map(|text| text.lines());
    let policies = lines.filter_map(|line| line.strip_prefix("maxmemory_policy:"));
    policies.map(str::to_owned).collect()
}

fn of_config(texts: &[String]) -> Vec<String> {
    let pairs = texts.windows(2);
    let policies = pairs.filter(|pair| pair[0] == "maxmemory-policy");
    policies.map(|pair| pair[1].clone()).collect()
}

/// Returns all texts of an answer; none if the server does not permit the command.
async fn query(connection: &mut Connection, words: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut command = cmd(words[0]);
    let answer: RedisResult<Value> = command.arg(&words[1..]).query_async(connection).await;
    if let Ok(answer) = answer {
        collect(answer, &mut texts);
    }
    texts
}

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

    use super::{collect, of_config, of_info};

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
        assert_eq!(of_info(&texts(text(one))), ["allkeys-lru"]);
        let nodes = [("a:1", "noeviction"), ("b:2", "allkeys-lfu")].map(|(node, policy)| {
            let info = text(&format!("maxmemory_policy:{policy}\r\n"));
            (text(node), info)
        });
        let nodes = texts(Value::Map(nodes.into()));
        assert_eq!(of_info(&nodes), ["noeviction", "allkeys-lfu"]);
        assert_eq!(of_info(&texts(text("# Memory\r\n"))), [""; 0]);
    }

    #[test]
    fn reads_the_policy_from_the_configuration() {
        let words = ["maxmemory-policy", "volatile-lru"].map(text);
        assert_eq!(
            of_config(&texts(Value::Array(words.into()))),
            ["volatile-lru"]
        );
        let pair = (text("maxmemory-policy"), text("noeviction"));
        assert_eq!(of_config(&texts(Value::Map(vec![pair]))), ["noeviction"]);
        assert_eq!(of_config(&texts(Value::Array(Vec::new()))), [""; 0]);
    }
}
