//! The matrix on Memcached: every policy under the faults that it knows. It has no passwords and no replicas, and what it
//! has no room for it makes room for.

use std::time::{Duration, Instant};

use traffik::Backend;
use traffik_tests::{MemcachedServer, Proxy, Server, head};

use super::matrix::{ALONE, BREAKER, BUDGET, Fault, GRACE, LOCAL, Policy, app};

async fn begin(fault: Fault, server: &mut MemcachedServer, proxy: &Proxy, backend: &Backend) {
    match fault {
        Fault::Refused => {
            server.kill();
            let start = Instant::now();
            // Whoever finds the connection broken cannot know what has become of what he sent.
            while !matches!(backend.get("noticed").await, Err(error) if !error.may_have_counted()) {
                assert!(start.elapsed() < Duration::from_secs(20), "never noticed");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Fault::Timeout => proxy.discard_replies(),
        Fault::Reset => proxy.close_on_reply(),
        _ => proxy.delay(Duration::from_millis(20)),
    }
}

async fn play(fault: Fault, policy: Policy) {
    let case = format!("{policy:?} under {fault:?}");
    let name = format!("memcached-{fault:?}-{policy:?}");
    let path = format!("/{policy:?}");
    let mut server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    // A proxy takes connections even where nobody is behind it.
    let url = match fault {
        Fault::Refused => server.url(),
        _ => proxy.url().replace("redis://", "").replace('/', ""),
    };
    let backend = Backend::memcached(url).namespace(&name);
    let backend = backend.connect().await.expect("the server is there");
    let app = Server::start(app(backend.clone())).await;
    BREAKER.force_close();

    // One hit before, so that there is a state.
    let first = app.get_with(&path, "x-case", &name).await;
    assert_eq!(first.status, 200, "{case}");
    let mut parts = head(&LOCAL);
    parts.headers.insert("x-case", name.parse().unwrap());
    let before = policy.left(&parts).await;

    begin(fault, &mut server, &proxy, &backend).await;
    let start = Instant::now();
    let response = app.get_with(&path, "x-case", &name).await;
    let took = start.elapsed();
    assert_eq!(
        response.status,
        policy.status(fault),
        "{case}: {}",
        response.body
    );
    assert!(took < BUDGET + GRACE, "{case} took {took:?}");
    let opened = policy == Policy::Failover && fault != Fault::Slow;
    if opened {
        // The breaker is open: the server is not asked any more, or it would count.
        let again = app.get_with(&path, "x-case", &name).await;
        assert_eq!(again.status, 200, "{case}");
    }
    proxy.forward();
    BREAKER.force_close();
    let elsewhere = policy.elsewhere(fault) + u64::from(opened);
    let local = policy.left(&parts).await;
    assert_eq!(before - local, elsewhere, "{case}");
    if fault != Fault::Refused {
        let direct = Backend::memcached(server.url()).namespace(&name);
        parts
            .extensions
            .insert(direct.connect().await.expect("it is there"));
        // Where the other backend has to admit as well, the smaller is told.
        let counted = (1 + fault.counted()).max(policy.in_fallback(local));
        assert_eq!(9 - policy.left(&parts).await, counted, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_policy_under_every_fault() {
    let _alone = ALONE.lock().await;
    for fault in [Fault::Refused, Fault::Timeout, Fault::Reset, Fault::Slow] {
        for policy in Policy::ALL {
            play(fault, policy).await;
        }
    }
}
