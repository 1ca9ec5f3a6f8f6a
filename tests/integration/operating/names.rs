//! Names are short enough for logs, metrics and header fields.

use traffik::{Backend, DynThrottle, Error};

#[test]
fn refuses_a_name_of_more_than_255_bytes() {
    let build = |length: usize| {
        let throttle = DynThrottle::builder("x".repeat(length));
        let throttle = throttle.rate("10/day".parse().unwrap());
        throttle.backend(Backend::memory()).build()
    };
    assert!(build(255).is_ok());
    let Err(Error::Configuration { message, .. }) = build(256) else {
        panic!("it was built");
    };
    assert_eq!(message, "its uid has 256 bytes; the maximum is 255");
}
