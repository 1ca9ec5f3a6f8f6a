//! Checks of keys and namespaces.

use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::testing::conformance::expect::done;

/// Checks that keys of any characters do not collide.
pub(super) async fn check(backend: &Backend) {
    let long = "é".repeat(1_000);
    let longer = "é".repeat(1_001);
    let keys = [
        "", " ", "a b", "a:b", "a%3Ab", "a%20b", "{a}", "}{", "*", "[a]", "\r\n", "日本", "A", "a",
        &long, &longer,
    ];
    for (place, key) in keys.iter().enumerate() {
        done("`set`", backend.set(key, place.to_string(), None).await);
    }
    for (place, key) in keys.iter().enumerate() {
        let value = done("`get`", backend.get(key).await);
        let expected = place.to_string().into_bytes();
        assert_eq!(value, Some(expected), "the key {key:?} is also another's");
    }
}

/// Checks that a namespace has its own keys, and that `clear` removes only these.
pub(super) async fn check_apart(one: &Backend, other: &Backend) {
    done("`set`", one.set("key", "1", None).await);
    assert_eq!(
        done("`get`", other.get("key").await),
        None,
        "a key is in another namespace too"
    );
    done("`set`", other.set("key", "2", None).await);
    let clear = one.clear().await;
    if matches!(&clear, Err(error) if error.kind() == ErrorKind::Unsupported) {
        return;
    }
    done("`clear`", clear);
    assert_eq!(
        done("`get`", one.get("key").await),
        None,
        "`clear` left a key"
    );
    let value = done("`get`", other.get("key").await);
    assert_eq!(
        value.as_deref(),
        Some(&b"2"[..]),
        "`clear` removed a key of another namespace"
    );
}
