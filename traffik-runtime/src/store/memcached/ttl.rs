//! Times to live, in Memcached's seconds and in our milliseconds.
//!
//! Memcached's time moves in whole seconds: a time to live of one second ends within that second,
//! and one of more than 30 days is interpreted as a date. So keys get a second more than they need,
//! and distant ends are written as dates. The exact end of a value is in the 32 bits of flags that
//! Memcached stores for its clients: the low bits of the millisecond since 1970 at which it ends. 0
//! stands for no exact end.

use std::time::Duration;

use crate::clock::Clock as _;
use crate::clock::system::SystemClock;
use crate::store::memcached::meta_protocol::request::Lifetime;

/// The greatest number of seconds that is not interpreted as a date.
const LONGEST_RELATIVE: u64 = 30 * 24 * 60 * 60;

/// The last date that Memcached can parse.
const LAST_DATE: u64 = i32::MAX as u64;

/// The greatest time to live with an exact end. More distant ends could be confused with ends in
/// the past; there a second more or less does not matter.
const MAX_EXACT: Duration = Duration::from_secs(20 * 24 * 60 * 60);

/// The number of seconds that stands for no end.
const NO_END: u64 = 0;

/// Returns the lifetime of a value that ends after this time; `None` for never.
pub(crate) fn lifetime(ttl: Option<Duration>) -> Lifetime {
    let Some(ttl) = ttl else {
        return Lifetime::default();
    };
    let end = now_millis()
        .saturating_add(u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX));
    Lifetime {
        seconds: seconds(ttl.as_secs().saturating_add(2)),
        flags: if ttl < MAX_EXACT { low(end).max(1) } else { 0 },
    }
}

/// Returns the seconds of a lifetime of at least this time.
pub(crate) fn at_least(ttl: Duration) -> u64 {
    seconds(ttl.as_secs().saturating_add(2))
}

/// Returns the rest of an item's lifetime, from the seconds and flags that the server reports.
pub(crate) fn remaining(seconds_left: Option<u64>, flags: u32) -> Lifetime {
    Lifetime {
        // In its last second there are 0 left, which would stand for no end.
        seconds: seconds_left.map_or(NO_END, |left| seconds(left.max(1))),
        flags,
    }
}

/// Returns `true` if the exact end in an item's flags has passed.
pub(crate) fn is_over(flags: u32) -> bool {
    flags != 0 && low(now_millis()).wrapping_sub(flags) < 1 << 31
}

fn seconds(seconds: u64) -> u64 {
    if seconds <= LONGEST_RELATIVE {
        return seconds;
    }
    let date = (now_millis() / 1_000).saturating_add(seconds);
    if date <= LAST_DATE { date } else { NO_END }
}

const fn low(millis: u64) -> u32 {
    (millis & u32::MAX as u64) as u32
}

fn now_millis() -> u64 {
    SystemClock::new().now_micros() / 1_000
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{at_least, is_over, lifetime, low, now_millis, remaining};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn ends_no_value_early() {
        assert_eq!(at_least(Duration::from_micros(1)), 2);
        assert_eq!(at_least(Duration::from_secs(1)), 3);
        assert_eq!(lifetime(None).seconds, 0);
        assert_eq!(lifetime(Some(Duration::MAX)).seconds, 0);
        assert_eq!(remaining(Some(0), 7).seconds, 1);
        assert_eq!(remaining(None, 0).seconds, 0);
    }

    #[test]
    fn writes_distant_ends_as_dates() {
        let now = now_millis() / 1_000;
        for days in [31, 90, 365] {
            let date = at_least(DAY * days);
            let left = date - now;
            assert!((left / 86_400) as u32 == days, "{days}: {left}");
        }
        assert!(at_least(DAY * 29) < 30 * 86_400);
        assert_eq!(at_least(DAY * 365_000), 0);
    }

    #[test]
    fn compares_exact_ends() {
        let now = low(now_millis());
        assert!(!is_over(0));
        assert!(is_over(now.wrapping_sub(1).max(1)));
        assert!(!is_over(now.wrapping_add(60_000).max(1)));
        assert!(!is_over(lifetime(Some(DAY * 19)).flags));
        assert_eq!(lifetime(Some(DAY * 31)).flags, 0);
    }
}
