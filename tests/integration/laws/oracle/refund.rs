//! Refunds (L32), from the words of the design.

use super::state::{Memory, Over};
use super::{Int, Law, Oracle, Terms};

impl Oracle {
    /// Returns the moment at which an admitted hit is recorded: now, or the state's own moment if
    /// the clock is behind it (L4).
    pub(crate) fn recorded(&self, terms: &Terms, now: Int) -> Int {
        self.view(terms, now).moment(now)
    }

    /// Refunds a cost of a hit that was recorded at a moment, under the terms of the hit.
    pub(crate) fn refund(&mut self, terms: &Terms, at: Int, cost: Int, now: Int) {
        let tick = terms.tick().expect("terms without a tick have no states");
        let ticks = |moment: Int| moment - moment % tick;
        let at = ticks(at);
        let leaked = |last: Int| (ticks(now.max(last)) - at).max(0) * terms.limit;
        let window = |moment: Int| moment - moment % terms.period;
        match &mut self.memory {
            Some(Memory::Events {
                window: start,
                events,
                ..
            }) => {
                // Both windows of a sliding counter are open; the others have one, by the clock.
                let is_open = matches!(terms.law, Law::SlidingCounter)
                    || window(at) == window(now.max(*start));
                if is_open {
                    subtract(events, cost, |made| window(made) == window(at));
                }
            }
            Some(Memory::Log(entries)) => {
                subtract(entries, cost, |made| made == at);
                entries.retain(|(_, cost)| *cost > 0);
            }
            Some(Memory::Level { level, last, .. }) => {
                *level = less(*level, cost, leaked(*last));
            }
            Some(Memory::Mean { level, last, .. }) => {
                // A mean's level is in thousandths; its leak here is that of the rate, without the
                // factor.
                *level = less(*level, cost, 1_000 * leaked(*last));
            }
            Some(Memory::Share {
                window: start,
                count,
                ..
            }) if window(at) == window(now.max(*start)) => {
                *count = (*count - cost).max(0);
            }
            Some(Memory::Share { .. }) | None => {}
        }
    }
}

/// Returns a level less the part of a cost that has not leaked.
fn less(level: Over, cost: Int, leaked: Int) -> Over {
    let left = (cost * level.period - leaked).max(0);
    Over {
        parts: (level.parts - left).max(0),
        ..level
    }
}

/// Subtracts a cost from the admissions at matching moments.
fn subtract(admitted: &mut [(Int, Int)], mut cost: Int, holds: impl Fn(Int) -> bool) {
    for (_, of) in admitted.iter_mut().filter(|(made, _)| holds(*made)) {
        let part = cost.min(*of);
        *of -= part;
        cost -= part;
    }
}
