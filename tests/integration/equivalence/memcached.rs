//! Equivalence of Memcached.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::prop_assert;
use traffik::{Backend, Rate};
use traffik_tests::MemcachedServer;

use super::{Remote, equivalence};
use crate::laws::oracle::Int;

fn memcached() -> (MemcachedServer, Remote) {
    let server = MemcachedServer::start();
    let remote = Remote::new(async || {
        let backend = Backend::memcached(server.url()).timeout(Duration::from_secs(5));
        backend.connect().await.expect("the server is there")
    });
    (server, remote)
}

equivalence!(memcached(), counts_windows: true);

/// If the clock steps back, Memcached counts in the window of the clock: no window admits more than
/// its limit.
#[test]
fn admits_no_more_than_the_limit_in_any_window_when_the_clock_steps_back() {
    let (_server, remote) = memcached();
    let strategy = (1_u64..8, steps_back_and_forth());
    proptest!(cases(40), |((limit, steps) in strategy, start in starts())| {
        let rate = Rate::new(limit, Duration::from_secs(3));
        let subject = remote.subject(rate, Law::FixedWindow)?;
        let mut admitted = HashMap::<Int, u64>::new();
        let mut now = start;
        for Step { gap, .. } in steps {
            match gap {
                Gap::Parts(parts) => now += Int::from(parts) * 3_000_000 / 64,
                Gap::Back(parts) => now = (now - Int::from(parts) * 3_000_000 / 16).max(0),
                _ => now += 1,
            }
            subject.set(now);
            let cost = 1 + now.unsigned_abs() as u64 % 3;
            if subject.decide(cost).admitted {
                *admitted.entry(now / 3_000_000).or_default() += cost;
            }
        }
        let max = admitted.values().max().copied().unwrap_or(0);
        prop_assert!(max <= limit, "{max} of {limit}");
    });
}
