//! Time and chance of the simulated process that runs on this thread, for simulations of several
//! processes in one.
//!
//! A simulation sets both before it runs a process, so that the run depends on its seed alone.

use std::cell::Cell;

thread_local! {
    static STEADY_MICROS: Cell<Option<u64>> = const { Cell::new(None) };
    static CHANCE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Sets the time of the steady clock on this thread, in microseconds; `None` for the real one.
pub fn set_steady_micros(time: Option<u64>) {
    STEADY_MICROS.set(time);
}

/// Seeds the random numbers that are drawn on this thread; `None` for real ones.
pub fn seed_chance(seed: Option<u64>) {
    CHANCE.set(seed);
}

/// Returns the simulated time of the steady clock, if this thread runs a simulation.
pub(crate) fn steady_micros() -> Option<u64> {
    STEADY_MICROS.get()
}

/// Draws a simulated random number (`SplitMix64`), if this thread runs a simulation.
pub(crate) fn random() -> Option<u64> {
    let state = CHANCE.get()?.wrapping_add(0x9e37_79b9_7f4a_7c15);
    CHANCE.set(Some(state));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Some(mixed ^ (mixed >> 31))
}
