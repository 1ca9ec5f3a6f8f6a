//! Every way to create and provide a backend.

use axum::Router;
use axum::routing::get;
use traffik::{Backend, Error, MemoryBackend, throttled};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer, Server};

#[throttled(rate = "1/day")]
async fn data() {}

#[tokio::test]
async fn limits_on_every_backend() -> Result<(), Error> {
    let (redis_server, memcached_server) = (RedisServer::start(), MemcachedServer::start());
    let memory = Backend::memory();
    let settings = MemoryBackend::builder().shards(16).capacity(1_000_000);
    let redis = Backend::redis(redis_server.url())
        .namespace("prod")
        .connect()
        .await?;
    let memcached = Backend::memcached(memcached_server.url())
        .namespace("prod")
        .pool_size(8)
        .connect()
        .await?;
    let custom = Backend::custom(ExpiringStore::default());
    for backend in [memory, settings.build(), redis, memcached, custom] {
        let app = Router::new()
            .route("/", get(data))
            .layer(traffik::provide(backend.clone()));
        let server = Server::start(app).await;
        assert_eq!(server.statuses("/", 2).await, [200, 429], "{backend:?}");
    }
    let lazy = Backend::redis("redis://127.0.0.1:1").lazy();
    let app = Router::new()
        .route("/", get(data))
        .layer(traffik::provide(lazy));
    // Until the server is reachable, `on_error` decides.
    assert_eq!(Server::start(app).await.get("/").await.status, 429);
    Ok(())
}
