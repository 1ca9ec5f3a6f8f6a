//! Checks of counters: whole numbers as text that many tasks add to at once.

use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::testing::conformance::expect::done;

pub(super) async fn check(backend: &Backend) {
    let add = async |key: &str, by: i64| done("`increment`", backend.increment(key, by).await);
    let text = async |key: &str| {
        let value = done("`get`", backend.get(key).await);
        value.map(|value| String::from_utf8_lossy(&value).into_owned())
    };
    for (by, sum) in [(1, 1), (1, 2), (5, 7), (-8, -1), (3, 2)] {
        assert_eq!(add("n", by).await, sum, "`increment` returns another sum");
        assert_eq!(
            text("n").await,
            Some(sum.to_string()),
            "a counter is not its digits"
        );
    }
    let below = done("`decrement`", backend.decrement("missing", 1).await);
    assert_eq!(below, -1, "a missing counter does not begin at 0");
    done("`set`", backend.set("ten", "10", None).await);
    for (by, left) in [(1, 9), (1, 8), (3, 5)] {
        let sum = done("`decrement`", backend.decrement("ten", by).await);
        assert_eq!(sum, left, "`decrement` returns another difference");
        assert_eq!(
            text("ten").await,
            Some(left.to_string()),
            "a counter is not its digits"
        );
    }
    assert_eq!(
        add("large", i64::MAX - 1).await,
        i64::MAX - 1,
        "a large counter is not exact"
    );
    assert_eq!(
        add("large", 1).await,
        i64::MAX,
        "a large counter is not exact"
    );
    let over = backend.increment("large", 1).await;
    let over = over.map_err(|error| error.kind());
    assert_eq!(
        over,
        Err(ErrorKind::Backend),
        "a counter left the range of 64 bits"
    );
    assert_eq!(
        text("large").await,
        Some(i64::MAX.to_string()),
        "a sum out of range was stored"
    );
    done("`set`", backend.set("word", "seven", None).await);
    let word = backend
        .increment("word", 1)
        .await
        .map_err(|error| error.kind());
    assert_eq!(
        word,
        Err(ErrorKind::Backend),
        "a value that is not a number was added to"
    );
    many(backend).await;
}

async fn many(backend: &Backend) {
    const TASKS: i64 = 60;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let backend = backend.clone();
        tasks.spawn(async move { done("`increment`", backend.increment("many", 1).await) });
    }
    let mut sums = tasks.join_all().await;
    sums.sort_unstable();
    assert!(
        sums.into_iter().eq(1..=TASKS),
        "concurrent increments were lost or returned twice"
    );
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (backend, by) = (backend.clone(), if task % 3 == 0 { -1 } else { 1 });
        tasks.spawn(async move { done("`increment`", backend.increment("many", by).await) });
    }
    tasks.join_all().await;
    let value = done("`get`", backend.get("many").await);
    let expected = (TASKS + TASKS / 3).to_string().into_bytes();
    assert_eq!(
        value,
        Some(expected),
        "concurrent increments and decrements were lost"
    );
}
