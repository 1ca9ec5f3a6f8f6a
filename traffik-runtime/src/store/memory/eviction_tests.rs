//! Tests of the ranks that a newcomer gives to other keys.

use super::*;
use crate::strategy::kernel::packed::{Kind, Packed};

/// Returns the key of a throttle's client.
fn key(throttle: u64, client: u64) -> Key {
    Key {
        first: (throttle << 52) | (client + 1),
        second: client,
    }
}

/// Returns the shares of throttles with this many keys each.
fn shares<const N: usize>(keys: [u64; N]) -> Shares {
    let shares = Shares::default();
    for (throttle, keys) in (0..).zip(keys) {
        for client in 0..keys {
            shares.add(key(throttle, client));
        }
    }
    shares
}

#[test]
fn a_throttle_over_its_share_evicts_its_own_keys_first() {
    let shares = shares([700, 300]);
    let newcomer = shares.newcomer(key(0, 1_000));
    let own = newcomer.rank(key(0, 1), FULL - 1, false);
    assert!(own < newcomer.rank(key(1, 1), 1, false));
    // A client at its limit goes only before others at theirs.
    let own = newcomer.rank(key(0, 1), FULL, true);
    assert!(own < newcomer.rank(key(1, 1), FULL, false));
    assert!(own > newcomer.rank(key(1, 1), FULL - 1, false));
}

#[test]
fn evicts_a_client_at_its_limit_last_unless_it_came_late() {
    let shares = shares([700, 300]);
    for throttle in [0, 1] {
        let newcomer = shares.newcomer(key(throttle, 1_000));
        let limited = newcomer.rank(key(0, 1), FULL, false);
        assert!(limited > newcomer.rank(key(0, 2), FULL, true));
        assert!(limited > newcomer.rank(key(0, 3), FULL - 1, false));
        assert!(limited > newcomer.rank(key(1, 4), FULL - 1, false));
        // It goes before those of a throttle within its share that are at their limit too.
        assert!(limited < newcomer.rank(key(1, 5), FULL, false));
    }
}

#[test]
fn a_throttle_within_its_share_evicts_keys_of_those_over_theirs() {
    let shares = shares([700, 300]);
    let newcomer = shares.newcomer(key(1, 1_000));
    assert!(newcomer.rank(key(0, 1), FULL - 1, false) < newcomer.rank(key(1, 1), 1, false));
}

#[test]
fn evicts_a_reserved_slot_last() {
    let shares = shares([1_000]);
    let newcomer = shares.newcomer(key(0, 1_000));
    let reserved = Packed::reserved(1).fullness(5);
    for is_late in [false, true] {
        let reserved = newcomer.rank(key(0, 1), reserved, is_late);
        assert!(reserved > newcomer.rank(key(0, 2), FULL, false));
    }
}

#[test]
fn a_key_comes_late_into_an_almost_full_store_if_its_throttle_is_over_its_share() {
    let shares = shares([600, 275]);
    assert!(shares.newcomer(key(0, 1_000)).is_late(875, 1_000));
    assert!(!shares.newcomer(key(0, 1_000)).is_late(874, 1_000));
    assert!(!shares.newcomer(key(1, 1_000)).is_late(875, 1_000));
}

#[test]
fn a_throttle_without_keys_has_no_share() {
    let shares = shares([6, 2, 1]);
    // Three throttles share eight of nine keys.
    assert!(!shares.newcomer(key(1, 1_000)).is_over_share);
    assert!(shares.newcomer(key(0, 1_000)).is_over_share);
    shares.remove(key(2, 0));
    shares.remove(key(1, 0));
    shares.remove(key(1, 1));
    assert_eq!(shares.total(), 6);
    assert_eq!(shares.newcomer(key(0, 1_000)).share, 6);
}

#[test]
fn fullness_is_relative_to_the_capacity() {
    let meter = |amount| Packed {
        kind: Kind::Meter,
        tick_power: 0,
        limit: 10,
        period: 3_600_000_000,
        at: 0,
        amount,
        extra: 0,
    };
    // A unit of cost is 360 s.
    let units = 360_000_000;
    assert_eq!(meter(20 * units).fullness(1_000), FULL / 50);
    assert_eq!(meter(1_000 * units).fullness(1_000), FULL);
    // Nothing is left of it until a whole unit has leaked.
    assert_eq!(meter(999 * units + 1).fullness(1_000), FULL);
    assert!(meter(999 * units).fullness(1_000) < FULL);
}
