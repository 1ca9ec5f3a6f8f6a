//! Loom models of the circuit, which run a few callers in every interleaving: `RUSTFLAGS="--cfg
//! traffik_loom" cargo test -p traffik-runtime --lib --target-dir target/loom loom_tests`

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use crate::resilience::circuit::{BreakerState, Circuit, Limits};

const LIMITS: Limits = Limits {
    failures: 2,
    recovery: Duration::from_micros(10),
    successes: 1,
};

/// A circuit that opened at time 0, and whose recovery ends at 10.
fn opened() -> Arc<Circuit> {
    let circuit = Circuit::new();
    circuit.failed(0, &LIMITS, 0);
    circuit.failed(0, &LIMITS, 0);
    assert_eq!(circuit.state(9), BreakerState::Open);
    Arc::new(circuit)
}

/// Runs two calls at once, and returns their results.
fn both<A: 'static, B: 'static>(
    circuit: &Arc<Circuit>,
    one: impl FnOnce(&Circuit) -> A + 'static,
    other: impl FnOnce(&Circuit) -> B + 'static,
) -> (A, B) {
    let shared = circuit.clone();
    let one = thread::spawn(move || one(&shared));
    let other = other(circuit);
    (one.join().unwrap(), other)
}

#[test]
fn one_probe() {
    loom::model(|| {
        let circuit = opened();
        let shared = circuit.clone();
        let third = thread::spawn(move || shared.try_acquire(10).is_ok());
        let (one, other) = both(
            &circuit,
            |it| it.try_acquire(10).is_ok(),
            |it| it.try_acquire(10).is_ok(),
        );
        let passed = [one, other, third.join().unwrap()];
        assert_eq!(passed.iter().filter(|passed| **passed).count(), 1);
        assert!(circuit.try_acquire(10).is_err());
    });
}

#[test]
fn no_failure_is_lost() {
    loom::model(|| {
        let circuit = Arc::new(Circuit::new());
        let fail = |it: &Circuit| it.failed(0, &LIMITS, 0);
        let (one, other) = both(&circuit, fail, fail);
        assert_eq!(circuit.state(0), BreakerState::Open);
        assert_eq!(one.is_some() as u8 + other.is_some() as u8, 1);
    });
}

/// A success between two failures forgets the first; one that comes after both is about another
/// time.
#[test]
fn a_success_among_failures() {
    loom::model(|| {
        let circuit = Arc::new(Circuit::new());
        circuit.failed(0, &LIMITS, 0);
        let (opened, closed) = both(
            &circuit,
            |it| it.failed(0, &LIMITS, 0).is_some(),
            |it| it.succeeded(0, &LIMITS).is_some(),
        );
        assert!(!closed);
        let open = circuit.state(0) == BreakerState::Open;
        assert_eq!(open, opened);
        // If it did not open, the failure stands after the success or the success after it: one
        // more is enough or not.
        if !open {
            assert!(circuit.failed(0, &LIMITS, 0).is_some());
        }
    });
}

#[test]
fn a_cancelled_probe_leaves_its_place_to_one() {
    loom::model(|| {
        let circuit = opened();
        let (epoch, _) = circuit.try_acquire(10).unwrap();
        let ((), early) = both(
            &circuit,
            move |it| it.forgotten(epoch),
            |it| it.try_acquire(10).is_ok(),
        );
        assert_eq!(circuit.try_acquire(10).is_ok(), !early);
        assert!(circuit.try_acquire(10).is_err());
    });
}

#[test]
fn a_probe_that_fails_opens_it_for_all() {
    loom::model(|| {
        let circuit = opened();
        let (epoch, _) = circuit.try_acquire(10).unwrap();
        let (change, passed) = both(
            &circuit,
            move |it| it.failed(epoch, &LIMITS, 10),
            |it| it.try_acquire(11).is_ok(),
        );
        assert!(change.is_some() && !passed);
        assert_eq!(circuit.state(19), BreakerState::Open);
        assert_eq!(circuit.state(20), BreakerState::HalfOpen);
    });
}

#[test]
fn a_circuit_forced_open_stays_open() {
    loom::model(|| {
        let circuit = opened();
        let (epoch, _) = circuit.try_acquire(10).unwrap();
        both(
            &circuit,
            move |it| it.succeeded(epoch, &LIMITS),
            |it| it.open(),
        );
        assert_eq!(circuit.state(u64::MAX >> 20), BreakerState::Open);
        assert!(circuit.try_acquire(1_000).is_err());
    });
}

#[test]
fn a_probe_of_an_earlier_time_changes_nothing() {
    loom::model(|| {
        let circuit = opened();
        let (epoch, _) = circuit.try_acquire(10).unwrap();
        both(
            &circuit,
            move |it| it.failed(epoch, &LIMITS, 10),
            |it| it.close(),
        );
        // Whichever came last, it is not half-open with nobody to decide it.
        assert_ne!(circuit.state(10), BreakerState::HalfOpen);
    });
}
