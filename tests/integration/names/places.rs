//! Handlers in nested modules, in functions, and next to other items of the same name.

use axum::routing::get;
use traffik::{Throttle as _, throttled};
use traffik_tests::{head, midnight};

use super::counts_get;

mod outer {
    pub(super) mod inner {
        use traffik::throttled;

        #[throttled(rate = "1/minute")]
        pub(in crate::names::places) async fn deep() -> &'static str {
            "deep"
        }

        #[throttled(rate = "1/minute", name = Same)]
        pub(in crate::names::places) async fn same() -> &'static str {
            "same"
        }
    }

    #[traffik::throttled(rate = ["1/minute", "9/hour"], name = Same)]
    pub(super) async fn same() -> &'static str {
        "same"
    }
}

/// An item of the application with the name of a handler.
#[expect(dead_code, reason = "it is there for its name")]
struct Existing {}

#[throttled(rate = "1/minute", name = OtherName)]
#[expect(non_snake_case, reason = "the name is what is tested")]
async fn Existing() -> &'static str {
    "existing"
}

#[tokio::test]
async fn accepts_another_name_for_the_throttle() {
    counts_get(get(Existing), "existing").await;
    let (backend, _) = midnight();
    assert_eq!(
        OtherName::stat(&head(&backend))
            .await
            .unwrap()
            .hits_remaining,
        1
    );
}

#[tokio::test]
async fn compiles_in_nested_modules() {
    counts_get(get(outer::inner::deep), "deep").await;
    counts_get(get(outer::same), "same").await;
    counts_get(get(outer::inner::same), "same").await;
    let (backend, _) = midnight();
    let parts = head(&backend);
    assert_eq!(outer::Same::stat(&parts).await.unwrap().members.len(), 2);
    assert_eq!(
        outer::inner::Same::stat(&parts)
            .await
            .unwrap()
            .members
            .len(),
        0
    );
    let uid = outer::inner::Same::stat(&parts).await.unwrap().uid;
    assert!(
        uid.ends_with("::names::places::outer::inner::Same"),
        "{uid}"
    );
}

#[tokio::test]
async fn compiles_inside_a_function() {
    const TEXT: &str = "local";

    traffik::throttles! {
        throttle Local(rate = "1/minute");
    }

    #[throttled(rate = "1/minute")]
    async fn local() -> &'static str {
        TEXT
    }

    #[throttled(Local)]
    async fn by_local() -> &'static str {
        TEXT
    }

    counts_get(get(local), "local").await;
    counts_get(get(by_local), "local").await;
    let closure = || {
        #[throttled(rate = "1/minute")]
        async fn within() -> &'static str {
            TEXT
        }

        get(within)
    };
    counts_get(closure(), "local").await;
}
