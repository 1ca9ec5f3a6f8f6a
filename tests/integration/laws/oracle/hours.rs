//! The wait under a law whose limit shrinks by itself (L19), window by window.

use super::{Int, Memory, Oracle, Terms};

const MINUTE: Int = 60_000_000;
const DAY: Int = 24 * 60 * MINUTE;

impl Oracle {
    /// Returns the first moment that admits the cost, within one repetition of the pattern.
    pub(super) fn first_with(&self, terms: &Terms, now: Int, cost: Int) -> Option<Int> {
        if self.admits(terms, now, cost) {
            return Some(0);
        }
        let admits = |at: &Int| {
            // The limit first, because the state takes longer to compute.
            let limit = terms.part(terms.factor(at - at % terms.period));
            *at > now && limit >= cost && self.admits(terms, *at, cost)
        };
        // Units in a window of another period count until it ends.
        let end = match &self.memory {
            Some(Memory::Events { period, window, .. }) => Some(window + period).filter(admits),
            _ => None,
        };
        let beside = first_start(terms, self.window(now, terms), admits);
        let first = beside.into_iter().chain(end).min().or_else(|| {
            let Some(Memory::Events { period, window, .. }) = &self.memory else {
                return None;
            };
            let end = window + period;
            first_start(terms, end - end % terms.period, admits)
        });
        first.map(|at| at - now)
    }

    fn window(&self, now: Int, terms: &Terms) -> Int {
        let at = match &self.memory {
            Some(Memory::Events { window, .. }) => now.max(*window),
            _ => now,
        };
        at - at % terms.period
    }
}

/// Returns the first start of a later window that satisfies a condition, within one repetition of
/// the pattern.
fn first_start(terms: &Terms, window: Int, is_true: impl Fn(&Int) -> bool) -> Option<Int> {
    if terms.period > MINUTE {
        let windows = DAY / gcd(DAY, terms.period);
        assert!(windows < 2_000_000, "that takes too long to look for");
        let mut starts = (1..=windows).map(|windows| window + windows * terms.period);
        return starts.find(is_true);
    }
    // A window starts in every minute, and all that start in one minute have one factor.
    let minute = window / MINUTE;
    let minutes = (minute..=minute + 24 * 60 + 1).map(|minute| minute * MINUTE);
    let mut starts = minutes.map(|minute| {
        let from = minute.max(window + terms.period);
        (from + terms.period - 1) / terms.period * terms.period
    });
    starts.find(is_true)
}

fn gcd(a: Int, b: Int) -> Int {
    if b == 0 { a } else { gcd(b, a % b) }
}
