//! Equivalence of Redis.

use std::time::Duration;

use traffik::Backend;
use traffik_tests::RedisServer;

use super::{Remote, equivalence};

fn redis() -> (RedisServer, Remote) {
    let server = RedisServer::start();
    let remote = Remote::new(async || {
        let backend = Backend::redis(server.url()).timeout(Duration::from_secs(5));
        backend.connect().await.expect("the server is there")
    });
    (server, remote)
}

equivalence!(redis(), counts_windows: false);
