use std::time::Duration;

use traffik::Backend;
use traffik_tests::MemcachedServer;

use super::{Remote, equivalence};

fn memcached() -> (MemcachedServer, Remote) {
    let server = MemcachedServer::start();
    let remote = Remote::new(async || {
        let backend = Backend::memcached(server.url()).timeout(Duration::from_secs(5));
        backend.connect().await.expect("the server is there")
    });
    (server, remote)
}

equivalence!(memcached());
