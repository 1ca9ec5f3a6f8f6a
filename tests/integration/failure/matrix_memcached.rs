//! Every policy under the faults that Memcached has. It has neither passwords nor replicas, and a
//! full server evicts instead of refusing.

use std::time::Duration;

use traffik::Backend;
use traffik_tests::{MemcachedServer, Proxy, Server};

use super::matrix::{Case, EXCLUSIVE, Fault, Policy, app, wait_until_disconnected};

async fn begin(fault: Fault, server: &mut MemcachedServer, proxy: &Proxy, backend: &Backend) {
    match fault {
        Fault::Refused => {
            server.kill();
            wait_until_disconnected(backend).await;
        }
        Fault::Timeout => proxy.discard_replies(),
        Fault::Reset => proxy.close_on_reply(),
        _ => proxy.delay(Duration::from_millis(20)),
    }
}

async fn check(fault: Fault, policy: Policy) {
    let client = format!("memcached-{fault:?}-{policy:?}");
    let mut server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    // A proxy accepts connections even if the server behind it is down.
    let node = match fault {
        Fault::Refused => server.url(),
        _ => proxy.address().to_string(),
    };
    let backend = Backend::memcached(node).namespace(&client);
    let backend = backend.connect().await.expect("the server is up");
    let app = Server::start(app(backend.clone())).await;
    let case = Case::start(&app, client, fault, policy).await;
    begin(fault, &mut server, &proxy, &backend).await;
    case.assert_response(&app).await;
    // If the breaker were not open, the server would count this hit.
    case.assert_open_breaker(&app).await;
    proxy.forward();
    let connect = async |namespace: &str| {
        let backend = Backend::memcached(server.url()).namespace(namespace);
        backend.connect().await.expect("the server is up")
    };
    case.assert_counts(connect).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applies_every_policy_under_every_fault() {
    let _exclusive = EXCLUSIVE.lock().await;
    for fault in [Fault::Refused, Fault::Timeout, Fault::Reset, Fault::Slow] {
        for policy in Policy::ALL {
            check(fault, policy).await;
        }
    }
}
