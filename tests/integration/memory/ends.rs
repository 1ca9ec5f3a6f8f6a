//! The ends of an embedded backend: it is closed, or its clock is at the end of time.

use std::time::Duration;

use traffik::failure::{allow, raise};
use traffik::{Backend, DynThrottle, ErrorKind, Identity, ManualClock};

use super::{each, now};

#[test]
fn a_closed_backend_decides_nothing() {
    let backend = Backend::memory();
    let client = Identity::everyone();
    let throttle = |uid: &str| {
        let throttle = DynThrottle::builder(uid).rate("10/day".parse().unwrap());
        throttle.backend(backend.clone())
    };
    let raising = throttle("raising").on_error(raise()).build().unwrap();
    let allowing = throttle("allowing").on_error(allow()).build().unwrap();
    assert!(now(raising.hit(&client, 1)).unwrap().decided);
    let reserved = now(raising.reserve(&client, 1)).unwrap();
    now(backend.close()).unwrap();

    let error = now(raising.hit(&client, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    assert!(now(raising.stat(&client)).is_err());
    assert!(now(raising.check(&client, 1)).is_err());
    assert!(now(raising.reserve(&client, 1)).is_err());
    assert!(now(reserved.settle(0)).is_err());
    let decision = now(allowing.hit(&client, 1)).unwrap();
    assert!(decision.admitted && !decision.decided);
}

#[test]
fn no_strategy_overflows_at_the_end_of_time() {
    for end in [u64::MAX, u64::MAX - 1, (1 << 53) + 1, 1 << 53] {
        let clock = ManualClock::at(Duration::from_micros(end));
        let backend = Backend::memory().clock(clock.clone());
        let client = Identity::new("client").tier("free");
        for (name, throttle) in each(&backend, 10) {
            assert!(
                now(throttle.hit(&client, 4)).unwrap().admitted,
                "{name} at {end}"
            );
            let reserved = now(throttle.reserve(&client, 2)).unwrap();
            now(reserved.settle(1)).unwrap();
            now(throttle.hit(&client, 9)).unwrap();
            now(throttle.stat(&client)).unwrap();
            clock.advance(Duration::from_micros(1));
            now(throttle.stat(&client)).unwrap();
        }
    }
}
