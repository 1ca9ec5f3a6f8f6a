//! Where a handler may stand.

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

/// What a user has of that name already.
#[expect(dead_code, reason = "it is there for its name")]
struct Taken {}

#[throttled(rate = "1/minute", name = TakenThrottle)]
#[expect(non_snake_case, reason = "the name is what is tested")]
async fn Taken() -> &'static str {
    "taken"
}

#[tokio::test]
async fn a_throttle_may_have_another_name_than_its_function() {
    counts_get(get(Taken), "taken").await;
    let (backend, _) = midnight();
    assert_eq!(
        TakenThrottle::stat(&head(&backend))
            .await
            .unwrap()
            .hits_remaining,
        1
    );
}

#[tokio::test]
async fn modules_nest() {
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
async fn a_handler_may_stand_in_a_function() {
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
