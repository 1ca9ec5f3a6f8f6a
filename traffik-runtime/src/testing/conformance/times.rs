//! Checks of times to live: no key ends early, every key ends, and a value keeps its time unless it
//! gets another one.

use std::time::{Duration, Instant};

use crate::backend::Backend;
use crate::backend::lock::options::LockOptions;
use crate::error::ErrorKind;
use crate::testing::conformance::expect::done;

/// The largest drift between the store's clock and this process's.
const CLOCKS: Duration = Duration::from_millis(5);

const SHORT: Duration = Duration::from_millis(700);
const LONG: Duration = Duration::from_secs(600);

/// The time by which ends may be late.
const LATE: Duration = Duration::from_secs(5);

pub(super) async fn check(backend: &Backend) {
    let swap = async |key: &str, expected: Option<&[u8]>, new: &[u8], ttl| {
        let swapped = backend
            .compare_and_swap(key, expected, Some(new), ttl)
            .await;
        assert!(
            done("`compare_and_swap`", swapped),
            "`{key}` is not as expected"
        );
    };
    let start = Instant::now();
    done("`set`", backend.set("set", "1", Some(SHORT)).await);
    done(
        "`multi_set`",
        backend
            .multi_set(&[("one of many", "1")], Some(SHORT))
            .await,
    );
    let sum = backend.increment_with_ttl("counted", 1, SHORT).await;
    done("`increment_with_ttl`", sum);
    let sum = backend.increment_with_ttl("counted", 1, LONG).await;
    assert_eq!(done("`increment_with_ttl`", sum), 2);
    done("`set`", backend.set("expired", "1", None).await);
    assert!(
        done("`expire`", backend.expire("expired", SHORT).await),
        "`expire` did not find a key"
    );
    swap("swapped", None, b"1", Some(SHORT)).await;
    swap("swapped", Some(b"1"), b"2", None).await;

    done("`set`", backend.set("set again", "1", Some(SHORT)).await);
    done("`set`", backend.set("set again", "2", None).await);
    let sum = backend.increment_with_ttl("counted long", 1, LONG).await;
    done("`increment_with_ttl`", sum);
    let sum = backend.increment_with_ttl("counted long", 1, SHORT).await;
    assert_eq!(done("`increment_with_ttl`", sum), 2);
    done("`set`", backend.set("for ever", "1", Some(SHORT)).await);
    assert!(done(
        "`expire`",
        backend.expire("for ever", Duration::MAX).await
    ));
    swap("swapped for ever", None, b"1", Some(SHORT)).await;
    swap("swapped for ever", Some(b"1"), b"2", Some(Duration::MAX)).await;
    assert!(
        !done("`expire`", backend.expire("missing", SHORT).await),
        "`expire` found a missing key"
    );

    for key in ["set", "one of many", "counted", "expired", "swapped"] {
        ends(backend, key, start).await;
    }
    for key in ["set again", "counted long", "for ever", "swapped for ever"] {
        let value = done("`get`", backend.get(key).await);
        assert!(value.is_some(), "`{key}` did not get its latest time");
    }
    let sum = backend.increment_with_ttl("counted", 1, SHORT).await;
    assert_eq!(
        done("`increment_with_ttl`", sum),
        1,
        "a counter that has ended goes on"
    );
    assert!(
        !done("`delete`", backend.delete("set").await),
        "`delete` found a key that has ended"
    );
    locks(backend).await;
}

/// Waits until a key has ended, which must not be before its time.
async fn ends(backend: &Backend, key: &str, start: Instant) {
    loop {
        let elapsed = start.elapsed();
        let value = done("`get`", backend.get(key).await);
        if value.is_none() {
            assert!(
                start.elapsed() + CLOCKS >= SHORT,
                "`{key}` ended {:?} after it was written",
                start.elapsed()
            );
            return;
        }
        assert!(elapsed < SHORT + LATE, "`{key}` did not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn locks(backend: &Backend) {
    let at_once = LockOptions::default().ttl(LONG).blocking(false);
    let first = done("`lock`", backend.lock("lock", at_once).await);
    let second = backend
        .lock("lock", at_once)
        .await
        .map_err(|error| error.kind());
    assert_eq!(
        second.map(drop),
        Err(ErrorKind::LockTimeout),
        "a lock was acquired twice"
    );
    done("`release`", first.release().await);
    let again = done("`lock`", backend.lock("lock", at_once.ttl(SHORT)).await);
    let start = Instant::now();
    // A process that crashes does not release its locks.
    std::mem::forget(again);
    let wait = at_once.blocking(true).blocking_timeout(SHORT + LATE);
    let after = done("`lock`", backend.lock("lock", wait).await);
    assert!(start.elapsed() >= SHORT / 2, "a lock ended early");
    done("`release`", after.release().await);
}
