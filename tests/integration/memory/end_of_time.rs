//! The limits of the memory backend: it is closed, or its clock is at the end of time.

use traffik::failure::{allow, raise};
use traffik::{Backend, Clock, DynThrottle, ErrorKind, Identity};
use traffik_tests::poll_once;

use super::each;

#[test]
fn decides_nothing_after_it_was_closed() {
    let backend = Backend::memory();
    let client = Identity::everyone();
    let throttle = |uid: &str| {
        let throttle = DynThrottle::builder(uid).rate("10/day".parse().unwrap());
        throttle.backend(backend.clone())
    };
    let raising = throttle("raising").on_error(raise()).build().unwrap();
    let allowing = throttle("allowing").on_error(allow()).build().unwrap();
    assert!(poll_once(raising.hit(&client, 1)).unwrap().decided);
    let reserved = poll_once(raising.reserve(&client, 1)).unwrap();
    poll_once(backend.close()).unwrap();

    let error = poll_once(raising.hit(&client, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.may_have_counted());
    assert!(poll_once(raising.stat(&client)).is_err());
    assert!(poll_once(raising.check(&client, 1)).is_err());
    assert!(poll_once(raising.reserve(&client, 1)).is_err());
    assert!(poll_once(reserved.settle(0)).is_err());
    let decision = poll_once(allowing.hit(&client, 1)).unwrap();
    assert!(decision.admitted && !decision.decided);
}

/// A clock that is stopped at the end of time.
#[derive(Debug)]
struct End(u64);

impl Clock for End {
    fn now_micros(&self) -> u64 {
        self.0
    }
}

#[test]
fn does_not_overflow_at_the_end_of_time() {
    for end in [u64::MAX, u64::MAX - 1_000_000, 1 << 63, 1 << 53] {
        let backend = Backend::memory().clock(End(end));
        let client = Identity::new("client").tier("free");
        for (name, throttle) in each(&backend, 10) {
            let decision = poll_once(throttle.hit(&client, 4)).unwrap();
            assert!(decision.admitted, "{name} at {end}");
            let reserved = poll_once(throttle.reserve(&client, 2)).unwrap();
            poll_once(reserved.settle(1)).unwrap();
            poll_once(throttle.hit(&client, 9)).unwrap();
            poll_once(throttle.stat(&client)).unwrap();
        }
    }
}
