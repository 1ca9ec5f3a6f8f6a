//! A state as a law sees it at a moment, and what it admits then.

use super::{Int, Law, Terms};

/// What is remembered between hits.
#[derive(Clone, Debug)]
pub(crate) enum Memory {
    /// Every hit that was admitted, and the window of the last one.
    Events {
        period: Int,
        window: Int,
        events: Vec<(Int, Int)>,
    },
    /// A level and its moment, under the rate and tick it was written with.
    Level {
        level: Over,
        last: Int,
        written: (Int, Int, Int),
    },
}

/// A rational number of units of cost: so many `1/period`s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Over {
    pub(super) parts: Int,
    pub(super) period: Int,
}

/// A state at a moment: the clock's, or the state's own if the clock is behind it (L4).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen {
    /// What was admitted in the window, which starts at `window`, and in the one before.
    Counts {
        at: Int,
        window: Int,
        previous: Int,
        current: Int,
    },
    /// How many units have not leaked yet.
    Level { at: Int, level: Over },
}

impl Seen {
    pub(super) fn at(terms: &Terms, memory: Option<&Memory>, now: Int) -> Self {
        let tick = terms.tick().expect("terms without a tick have no states");
        let now = now - now % tick;
        match (terms.law, memory) {
            (Law::FixedWindow | Law::SlidingCounter, None) => counts(terms, now, 0, 0),
            (Law::TokenBucket { .. } | Law::Gcra { .. }, None) => Self::Level {
                at: now,
                level: units(terms, 0),
            },
            (Law::FixedWindow | Law::SlidingCounter, Some(memory)) => {
                tally(terms, memory, now, tick)
            }
            (_, Some(memory)) => leaked(terms, memory, now, tick),
        }
    }

    /// Whether the law admits a cost of at least 1.
    pub(super) fn admits(&self, terms: &Terms, cost: Int) -> bool {
        let (limit, period) = (terms.limit, terms.period);
        match (terms.law, *self) {
            (Law::FixedWindow, Self::Counts { current, .. }) => current + cost <= limit,
            // L14.
            (
                _,
                Self::Counts {
                    at,
                    window,
                    previous,
                    current,
                },
            ) => previous * (period - (at - window)) <= (limit - current - cost) * period,
            // L17: the level of a GCRA is what TAT is ahead, as units of cost.
            (Law::Gcra { tolerance }, Self::Level { level, .. }) => {
                cost <= limit && level.parts <= Int::from(tolerance) * limit
            }
            // L15.
            (_, Self::Level { level, .. }) => {
                level.parts + cost * period <= terms.capacity() * period
            }
        }
    }

    /// How many hits of cost 1 are admitted at this tick; asked of GCRA only (L17).
    pub(super) fn single_hits(&self, terms: &Terms) -> Option<Int> {
        let (Law::Gcra { tolerance }, Self::Level { level, .. }) = (terms.law, self) else {
            return None;
        };
        let early = Int::from(tolerance) * terms.limit - level.parts;
        Some(if early < 0 {
            0
        } else {
            early / terms.period + 1
        })
    }

    /// Whether it is the initial state again (L12).
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Counts {
                previous, current, ..
            } => *previous == 0 && *current == 0,
            Self::Level { level, .. } => level.parts == 0,
        }
    }

    /// What is remembered after a hit of this cost was admitted.
    pub(super) fn record(&self, terms: &Terms, memory: Option<Memory>, cost: Int) -> Memory {
        match *self {
            Self::Counts {
                at,
                window,
                current,
                ..
            } => {
                let events = match memory {
                    Some(Memory::Events { period, events, .. }) if period == terms.period => events,
                    // Under another period, what counts counts as of now (L30).
                    _ => vec![(at, current)],
                };
                Memory::Events {
                    period: terms.period,
                    window,
                    events: events.into_iter().chain([(at, cost)]).collect(),
                }
            }
            Self::Level { at, level } => Memory::Level {
                level: Over {
                    parts: level.parts + cost * terms.period,
                    ..level
                },
                last: at,
                written: written(terms),
            },
        }
    }
}

/// What was admitted in the window of now and in the one before.
fn tally(terms: &Terms, memory: &Memory, now: Int, tick: Int) -> Seen {
    let Memory::Events {
        period,
        window,
        events,
    } = memory
    else {
        panic!("windows remember events");
    };
    let admitted = |from: Int, to: Int| -> Int {
        let within = events.iter().filter(|(at, _)| (from..to).contains(at));
        within.map(|(_, cost)| cost).sum()
    };
    let at = now.max(next_multiple(*window, tick));
    if *period == terms.period {
        let start = at - at % period;
        let previous = match terms.law {
            Law::FixedWindow => 0,
            _ => admitted(start - period, start),
        };
        return counts(terms, at, previous, admitted(start, start + period));
    }
    // L30: what a state of another period holds stays as long as the state would have.
    let current = admitted(*window, window + period);
    let (held, ends) = match terms.law {
        Law::FixedWindow => (current, window + period),
        _ if current > 0 => (
            current + admitted(window - period, *window),
            window + 2 * period,
        ),
        _ => (admitted(window - period, *window), window + period),
    };
    counts(terms, at, 0, if at < ends { held } else { 0 })
}

fn counts(terms: &Terms, at: Int, previous: Int, current: Int) -> Seen {
    let most = terms.most_held(terms.tick().expect("checked before"));
    Seen::Counts {
        at,
        window: at - at % terms.period,
        previous: previous.min(most),
        current: current.min(most),
    }
}

/// The level less what has leaked since it was written.
fn leaked(terms: &Terms, memory: &Memory, now: Int, tick: Int) -> Seen {
    let Memory::Level {
        level,
        last,
        written: under,
    } = memory
    else {
        panic!("meters remember a level");
    };
    let level = if *under == written(terms) {
        *level
    } else {
        // L30: in whole units, rounded up.
        let whole = (level.parts + level.period - 1) / level.period;
        units(terms, whole.min(terms.most_held(tick)))
    };
    let last = next_multiple(*last, tick);
    let at = now.max(last);
    Seen::Level {
        at,
        level: Over {
            parts: (level.parts - (at - last) * terms.limit).max(0),
            ..level
        },
    }
}

fn units(terms: &Terms, units: Int) -> Over {
    Over {
        parts: units * terms.period,
        period: terms.period,
    }
}

/// L, W and the tick: what a state carries of the law it was written under.
fn written(terms: &Terms) -> (Int, Int, Int) {
    (
        terms.limit,
        terms.period,
        terms.tick().expect("checked before"),
    )
}

fn next_multiple(of: Int, tick: Int) -> Int {
    (of + tick - 1) / tick * tick
}
