//! Generic handlers, of which a route names one instance.

use std::fmt::Display;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::routing::{get, post};
use http::Method;
use serde::de::DeserializeOwned;
use traffik::{Throttle as _, throttled};

use super::{counts, counts_get};

#[throttled(rate = "1/minute")]
async fn typed<T: DeserializeOwned + Display + Send>(Path(id): Path<T>) -> String {
    id.to_string()
}

#[throttled(rate = "1/minute")]
async fn bounded<T, const N: usize>(Path(id): Path<T>, body: String) -> String
where
    T: DeserializeOwned + Display + Send + 'static,
{
    format!("{id} {N} {body}")
}

/// An extractor for any state.
struct Anything<S>(std::marker::PhantomData<S>);

impl<S: Send + Sync> FromRequestParts<S> for Anything<S> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(std::marker::PhantomData))
    }
}

#[throttled(rate = "1/minute")]
async fn of_state<S: Clone + Default + PartialEq + Send + Sync + 'static>(
    _: Anything<S>,
    State(state): State<S>,
) -> String {
    (state == S::default()).to_string()
}

#[tokio::test]
async fn routes_one_instance_by_turbofish() {
    counts_get(get(typed::<u64>), "7").await;
    counts_get(get(typed::<String>), "7").await;
    counts(post(bounded::<u8, 3>), Method::POST, "body", "7 3 body").await;
    counts_get(get(of_state::<()>), "true").await;
}

#[tokio::test]
async fn shares_one_throttle_among_all_instances() {
    let (backend, _) = traffik_tests::midnight();
    let app = axum::Router::new()
        .route("/number/{id}", get(typed::<u8>))
        .route("/text/{id}", get(typed::<String>))
        .layer(traffik::provide(backend.clone()));
    let server = traffik_tests::Server::start(app).await;
    assert_eq!(server.get("/number/7").await.status, 200);
    assert_eq!(server.get("/text/seven").await.status, 429);
    assert_eq!(
        typed::stat(&traffik_tests::head(&backend))
            .await
            .unwrap()
            .hits_remaining,
        1
    );
}
