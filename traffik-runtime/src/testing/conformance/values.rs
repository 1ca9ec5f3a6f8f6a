//! Checks of bytes and their compare-and-swap.

use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::testing::conformance::expect::done;

pub(super) async fn check(backend: &Backend) {
    one(backend).await;
    several(backend).await;
    swaps(backend).await;
    many(backend).await;
    done("`ready`", backend.ready().await);
}

async fn one(backend: &Backend) {
    let get = async || done("`get`", backend.get("key").await);
    assert_eq!(get().await, None, "a key that was never set has a value");
    let missing = done("`delete`", backend.delete("key").await);
    assert!(!missing, "`delete` found a key that was never set");
    for value in [&b"first"[..], b"", b"\0\r\n\xff+ :", &[b'x'; 10_000]] {
        done("`set`", backend.set("key", value, None).await);
        assert_eq!(
            get().await.as_deref(),
            Some(value),
            "`get` returns another value than was set"
        );
    }
    let found = done("`delete`", backend.delete("key").await);
    assert!(found, "`delete` did not find a key that was set");
    assert_eq!(get().await, None, "a key that was deleted has a value");
}

async fn several(backend: &Backend) {
    let entries = [("a", "1"), ("b", "2"), ("c", "3")];
    done("`multi_set`", backend.multi_set(&entries, None).await);
    let values = done(
        "`multi_get`",
        backend.multi_get(&["c", "missing", "a"]).await,
    );
    let expected = [Some(b"3".to_vec()), None, Some(b"1".to_vec())];
    assert_eq!(
        values, expected,
        "`multi_get` does not return the values in the order of the keys"
    );
    let none = done("`multi_get`", backend.multi_get(&[]).await);
    assert!(none.is_empty(), "`multi_get` of no keys returns values");
    done("`multi_set`", backend.multi_set::<&str>(&[], None).await);
}

async fn swaps(backend: &Backend) {
    let swap = async |expected: Option<&[u8]>, new: Option<&[u8]>| {
        let swapped = backend.compare_and_swap("swap", expected, new, None).await;
        done("`compare_and_swap`", swapped)
    };
    assert!(
        !swap(Some(b"1"), Some(b"2")).await,
        "a missing key was swapped for another value"
    );
    assert!(
        swap(None, Some(b"")).await,
        "a missing key was not written where none was expected"
    );
    assert!(
        !swap(None, Some(b"2")).await,
        "an empty value was taken for a missing key"
    );
    assert!(
        swap(Some(b""), Some(b"2")).await,
        "the expected value was not swapped"
    );
    assert!(
        !swap(Some(b"1"), Some(b"3")).await,
        "another value than the expected one was swapped"
    );
    assert!(
        !swap(Some(b"1"), None).await,
        "another value than the expected one was removed"
    );
    let value = done("`get`", backend.get("swap").await);
    assert_eq!(
        value.as_deref(),
        Some(&b"2"[..]),
        "a swap that did not happen changed the value"
    );
    assert!(
        swap(Some(b"2"), None).await,
        "the expected value was not removed"
    );
    assert!(
        swap(None, None).await,
        "a missing key was not what was expected"
    );
    assert_eq!(
        done("`get`", backend.get("swap").await),
        None,
        "a removed key has a value"
    );
}

/// Checks that exactly one of many concurrent tasks swaps each value.
async fn many(backend: &Backend) {
    const TASKS: u32 = 8;
    const ROUNDS: u32 = 20;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let backend = backend.clone();
        tasks.spawn(async move {
            let mut won = 0;
            for round in 0..ROUNDS {
                let (key, value) = (format!("round {round}"), task.to_string());
                let swap = backend
                    .compare_and_swap(&key, None, Some(value.as_bytes()), None)
                    .await;
                won += u32::from(done("`compare_and_swap`", swap));
            }
            won
        });
    }
    let won: u32 = tasks.join_all().await.into_iter().sum();
    assert_eq!(
        won, ROUNDS,
        "a missing key was written by more or fewer than one of many at once"
    );
}
