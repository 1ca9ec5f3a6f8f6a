//! What a sweep does between reading a slot and locking it, step by step.

use super::*;
use crate::strategy::kernel::Kind;

const KEY: Key = Key {
    first: 7,
    second: 7,
};

fn window(at: u64) -> Packed {
    Packed {
        kind: Kind::Window,
        tick_power: 0,
        limit: 10,
        period: 1_000,
        at,
        amount: 1,
        extra: 0,
    }
}

fn placed(key: Key, state: &Packed, made: u16) -> Placed<'_> {
    let mark = Mark::default();
    Placed {
        key,
        state,
        made,
        mark,
    }
}

/// A stripe that holds the key since the first window, and at which place.
fn stripe() -> (Stripe, usize) {
    let stripe = Stripe::new(8);
    stripe.insert(&mut stripe.keep(), &placed(KEY, &window(0), 2));
    let index = Stripe::home(KEY, stripe.len());
    assert!(stripe.slot(index).seems(KEY));
    (stripe, index)
}

#[test]
fn a_sweep_leaves_what_was_hit_after_it_was_read() {
    let (stripe, index) = stripe();
    let (_, read) = stripe.slot(index).read();
    assert!(read.expires() <= 1_500, "the sweep finds it expired");
    stripe.slot(index).lock().update(&window(1_000));
    let mut keeper = stripe.keep();
    stripe.remove_expired(&mut keeper, index, 1_500);
    assert_eq!(keeper.occupied, 1);
    assert_eq!(stripe.slot(index).read(), (Some(KEY), window(1_000)));
    stripe.remove_expired(&mut keeper, index, 2_000);
    assert_eq!(keeper.occupied, 0);
    assert!(stripe.find(KEY).is_none());
}

#[test]
fn a_sweep_waits_for_who_is_writing_and_sees_what_was_written() {
    let (stripe, index) = stripe();
    let writing = stripe.slot(index).lock();
    std::thread::scope(|scope| {
        let sweep = scope.spawn(|| stripe.remove_expired(&mut stripe.keep(), index, 1_500));
        writing.update(&window(1_000));
        drop(writing);
        sweep.join().expect("it comes to its end");
    });
    assert_eq!(stripe.slot(index).read(), (Some(KEY), window(1_000)));
}

#[test]
fn states_keep_their_numbers_wherever_they_are_moved() {
    let stripe = Stripe::new(8);
    let mut keeper = stripe.keep();
    // All of them at home in one place, so that gaps are closed.
    let key = |number: u16| Key {
        first: u64::from(number),
        second: u64::MAX,
    };
    for number in 1..=40 {
        stripe.insert(&mut keeper, &placed(key(number), &window(0), 2 * number));
    }
    for number in (1..=40).step_by(3) {
        assert_eq!(
            stripe.take(&mut keeper, key(number)),
            Some((window(0), 2 * number))
        );
    }
    for number in (1..=40).filter(|number| number % 3 != 1) {
        let slot = stripe.find(key(number)).expect("it stays");
        let (_, made) = slot.read_numbered(key(number)).expect("it is its own");
        assert_eq!(made, 2 * number);
    }
}

#[test]
fn numbers_come_again_only_after_all_others() {
    let mut keeper = Keeper::default();
    let numbers: Vec<u16> = (0..32_768).map(|_| keeper.next_number()).collect();
    let mut distinct = numbers.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 32_767);
    assert!(numbers.iter().all(|number| *number != 0 && number % 2 == 0));
    assert_eq!(numbers[32_767], numbers[0]);
}
