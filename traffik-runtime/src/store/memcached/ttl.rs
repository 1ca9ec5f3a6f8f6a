//! How long values live, in Memcached's seconds and in our milliseconds.
//!
//! Memcached's time moves in whole seconds: what is to live one second lives for anything up to that, and what is to live
//! for more than 30 days is taken for a date. So keys are given a second more than they need, far ends are said as dates,
//! and the exact end of a value stands beside it, in the 32 bits that Memcached keeps for its clients: the low bits of
//! the millisecond since 1970 from which it is no value. 0 is no such end.

use std::time::Duration;

use crate::clock::Clock as _;
use crate::clock::system::SystemClock;
use crate::store::memcached::meta_protocol::Lives;

/// Above this many seconds, a time to live is taken for a date.
const LONGEST_RELATIVE: u64 = 30 * 24 * 60 * 60;

/// The last date that Memcached can read.
const LAST_DATE: u64 = i32::MAX as u64;

/// Ends further away than this cannot be told from ends in the past; there a second more or less does not matter.
const EXACT: Duration = Duration::from_secs(20 * 24 * 60 * 60);

const FOR_EVER: u64 = 0;

/// How long a value lives for this long from now.
pub(crate) fn lives(ttl: Option<Duration>) -> Lives {
    let Some(ttl) = ttl else {
        return Lives::default();
    };
    let end = now_millis()
        .saturating_add(u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX));
    Lives {
        seconds: seconds(ttl.as_secs().saturating_add(2)),
        flags: if ttl < EXACT { low(end).max(1) } else { 0 },
    }
}

/// A time to live of at least this long, as Memcached is told it.
pub(crate) fn at_least(ttl: Duration) -> u64 {
    seconds(ttl.as_secs().saturating_add(2))
}

/// The same end as before.
pub(crate) fn kept(seconds_left: Option<u64>, flags: u32) -> Lives {
    Lives {
        // In its last second there is none left, which would be for ever.
        seconds: seconds_left.map_or(FOR_EVER, |left| seconds(left.max(1))),
        flags,
    }
}

/// Whether the end that stands beside a value has passed.
pub(crate) fn is_over(flags: u32) -> bool {
    flags != 0 && low(now_millis()).wrapping_sub(flags) < 1 << 31
}

fn seconds(seconds: u64) -> u64 {
    if seconds <= LONGEST_RELATIVE {
        return seconds;
    }
    let date = (now_millis() / 1_000).saturating_add(seconds);
    if date <= LAST_DATE { date } else { FOR_EVER }
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

    use super::{at_least, is_over, kept, lives, low, now_millis};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn nothing_ends_early() {
        assert_eq!(at_least(Duration::from_micros(1)), 2);
        assert_eq!(at_least(Duration::from_secs(1)), 3);
        assert_eq!(lives(None).seconds, 0);
        assert_eq!(lives(Some(Duration::MAX)).seconds, 0);
        assert_eq!(kept(Some(0), 7).seconds, 1);
        assert_eq!(kept(None, 0).seconds, 0);
    }

    /// Lessons A 11.
    #[test]
    fn far_ends_are_dates() {
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
    fn exact_ends() {
        let now = low(now_millis());
        assert!(!is_over(0));
        assert!(is_over(now.wrapping_sub(1).max(1)));
        assert!(!is_over(now.wrapping_add(60_000).max(1)));
        assert!(!is_over(lives(Some(DAY * 19)).flags));
        assert_eq!(lives(Some(DAY * 31)).flags, 0);
    }
}
