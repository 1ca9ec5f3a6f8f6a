//! A law's memory, its view at a moment, and what the view admits.

use traffik::Priority;

use super::terms::{Adaptive, TIERS};
use super::{Int, Law, Terms};

/// The memory of a law between hits.
#[derive(Clone, Debug)]
pub(crate) enum Memory {
    /// Every admitted hit, and the window of the last one.
    Events {
        period: Int,
        window: Int,
        events: Vec<(Int, Int)>,
    },
    /// A level and its moment, with the rate and tick of its last hit.
    Level {
        level: Over,
        last: Int,
        written: (Int, Int, Int),
    },
    /// Every live hit, oldest first.
    Log(Vec<(Int, Int)>),
    /// The state of an adaptive law (L24), with the period of its last hit.
    Share {
        period: Int,
        window: Int,
        count: Int,
        share: u64,
        cut: bool,
    },
    /// A level in 1000ths of a meter's unit, its leak factor in 1000ths, and the costs of the last
    /// hits.
    Mean {
        level: Over,
        last: Int,
        written: (Int, Int, Int),
        factor: Int,
        costs: Vec<Int>,
    },
}

/// A rational number of units of cost: `parts` times `1/period`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Over {
    pub(super) parts: Int,
    pub(super) period: Int,
}

/// A memory at a moment: that of the clock, or the state's own if the clock is behind it (L4).
#[derive(Clone, Copy, Debug)]
pub(crate) enum View {
    /// The units admitted in the window that starts at `window`, and in the previous one.
    Counts {
        at: Int,
        window: Int,
        previous: Int,
        current: Int,
    },
    /// The units that have not leaked yet.
    Level { at: Int, level: Over },
    /// The number of ticks with live hits, their cost, and the first of these ticks.
    Sum {
        at: Int,
        ticks: Int,
        sum: Int,
        oldest: Option<Int>,
    },
    /// The window of an adaptive law.
    Share {
        window: Int,
        count: Int,
        share: u64,
        cut: bool,
    },
    /// A level, the factor in force, and the number and sum of the costs.
    Mean {
        at: Int,
        level: Over,
        factor: Int,
        costs: (Int, Int),
    },
}

impl View {
    pub(super) fn at(terms: &Terms, memory: Option<&Memory>, now: Int) -> Self {
        let tick = terms.tick().expect("terms without a tick have no states");
        let now = now - now % tick;
        match terms.law {
            Law::SlidingLog | Law::Priority { .. } => live(terms, memory, now),
            Law::Adaptive(parameters) => recovered(terms, &parameters, memory, now),
            Law::CostBasedTokenBucket { .. } => leaked_by_mean(terms, memory, now, tick),
            Law::TokenBucket { .. }
            | Law::Gcra { .. }
            | Law::LeakyBucket { .. }
            | Law::LeakyBucketWithQueue { .. } => memory.map_or_else(
                || Self::Level {
                    at: now,
                    level: units(terms, 0),
                },
                |memory| leaked(terms, memory, now, tick),
            ),
            _ => memory.map_or_else(
                || counts(terms, now, 0, 0),
                |memory| tally(terms, memory, now, tick),
            ),
        }
    }

    /// The moment at which the law decides: that of the clock, or the state's own if the clock is
    /// behind it (L4).
    pub(super) fn moment(&self, now: Int) -> Int {
        match self {
            Self::Counts { at, .. }
            | Self::Level { at, .. }
            | Self::Sum { at, .. }
            | Self::Mean { at, .. } => now.max(*at),
            Self::Share { window, .. } => now.max(*window),
        }
    }

    /// The effective limit of laws that have one (L11).
    pub(super) fn limit(&self, terms: &Terms) -> Option<Int> {
        Some(match (terms.law, *self) {
            (Law::FixedWindow | Law::SlidingLog, _) => terms.limit,
            (Law::Tiered { multipliers, who }, _) => {
                let tier = TIERS.iter().position(|tier| Some(*tier) == who);
                terms.part(multipliers[tier.unwrap_or(0)])
            }
            (Law::Priority { shares, who }, _) => {
                let order = [
                    Priority::Low,
                    Priority::Normal,
                    Priority::High,
                    Priority::Critical,
                ];
                let place = order.iter().position(|priority| *priority == who);
                terms.part(shares[place.expect("there are four")])
            }
            (Law::TimeOfDay { .. }, Self::Counts { window, .. }) => {
                terms.part(terms.factor(window))
            }
            (Law::QuotaWithRollover { .. }, Self::Counts { previous, .. }) => {
                terms.limit + terms.carry(previous)
            }
            (_, Self::Share { share, .. }) => terms.part(share),
            _ => return None,
        })
    }

    /// Reports that the law admits a cost of at least 1.
    pub(super) fn admits(&self, terms: &Terms, cost: Int) -> bool {
        let (limit, period) = (terms.limit, terms.period);
        match (terms.law, *self) {
            // L14.
            (
                Law::SlidingCounter,
                Self::Counts {
                    at,
                    window,
                    previous,
                    current,
                },
            ) => previous * (period - (at - window)) <= (limit - current - cost) * period,
            // The level of a GCRA is the distance of TAT, in units of cost (L17).
            (Law::Gcra { tolerance }, Self::Level { level, .. }) => {
                cost <= limit && level.parts <= Int::from(tolerance) * limit
            }
            // L15, L16, L26.
            (_, Self::Level { level, .. } | Self::Mean { level, .. }) => {
                level.parts + cost * level.period <= terms.capacity() * level.period
            }
            (
                _,
                Self::Counts { current: spent, .. }
                | Self::Sum { sum: spent, .. }
                | Self::Share { count: spent, .. },
            ) => spent + cost <= self.limit(terms).expect("it has one"),
        }
    }

    /// The number of hits of cost 1 that are admitted at this tick, for GCRA only (L17).
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

    /// Reports that the state equals the initial one (L12).
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Counts {
                previous, current, ..
            } => *previous == 0 && *current == 0,
            Self::Level { level, .. } | Self::Mean { level, .. } => level.parts == 0,
            Self::Sum { sum, .. } => *sum == 0,
            Self::Share { count, share, .. } => *count == 0 && *share == 1_000_000,
        }
    }

    /// Returns the memory after a hit of this cost was admitted.
    pub(super) fn record(&self, terms: &Terms, memory: Option<Memory>, cost: Int) -> Memory {
        match *self {
            Self::Counts {
                at,
                window,
                previous,
                current,
            } => Memory::Events {
                period: terms.period,
                window,
                // The counts of the view: clamped (L31), and of another period as of now (L30).
                events: vec![(window - 1, previous), (at, current), (at, cost)],
            },
            Self::Level { at, level } => Memory::Level {
                level: Over {
                    parts: level.parts + cost * terms.period,
                    ..level
                },
                last: at,
                written: written(terms),
            },
            Self::Sum { at, .. } => {
                let mut entries = match memory {
                    Some(Memory::Log(entries)) => entries,
                    _ => Vec::new(),
                };
                entries.retain(|(made, _)| made + terms.period > at);
                entries.push((at, cost));
                Memory::Log(entries)
            }
            Self::Share { .. } => self.cut(terms, cost),
            Self::Mean {
                at, level, costs, ..
            } => {
                let mut all = match memory {
                    Some(Memory::Mean { costs, .. }) => costs,
                    _ => Vec::new(),
                };
                let (remembered, _) = costs;
                if remembered == 0 {
                    all.clear();
                }
                all.push(cost);
                Memory::mean(terms, level, at, all)
            }
        }
    }

    /// Returns the memory of an adaptive law's window after a hit (L22).
    fn cut(&self, terms: &Terms, cost: Int) -> Memory {
        let (
            Law::Adaptive(parameters),
            Self::Share {
                window,
                count,
                share,
                cut,
            },
        ) = (terms.law, *self)
        else {
            panic!("not an adaptive law");
        };
        let count = count + cost;
        let threshold = Int::from(parameters.threshold);
        let above = match parameters.load {
            Some(load) => Int::from(load) > threshold,
            None => count * 1_000_000 > threshold * terms.limit,
        };
        let reduced = (share * parameters.reduction / 1_000_000).max(parameters.min);
        Memory::Share {
            period: terms.period,
            window,
            count,
            share: if above && !cut { reduced } else { share },
            cut: cut || above,
        }
    }
}

impl Memory {
    /// Reports that the moment is more than W ahead of the clock, both in ticks (L4).
    pub(super) fn is_ahead(&self, terms: &Terms, now: Int) -> bool {
        let moment = match self {
            Self::Events { window, .. } | Self::Share { window, .. } => Some(*window),
            Self::Level { last, .. } | Self::Mean { last, .. } => Some(*last),
            Self::Log(entries) => entries.last().map(|(made, _)| *made),
        };
        let tick = terms.tick().expect("terms without a tick have no states");
        moment.is_some_and(|moment| next_multiple(moment, tick) - (now - now % tick) > terms.period)
    }

    /// Returns the full state that replaces this one (L4).
    pub(super) fn filled(&self, terms: &Terms, now: Int) -> Self {
        let tick = terms.tick().expect("terms without a tick have no states");
        let now = now - now % tick;
        let window = now - now % terms.period;
        match self {
            Self::Events { .. } => {
                let limit = match terms.law {
                    Law::SlidingCounter => terms.limit,
                    _ => counts(terms, now, 0, 0)
                        .limit(terms)
                        .expect("windows have limits"),
                };
                Self::Events {
                    period: terms.period,
                    window,
                    events: vec![(now, limit)],
                }
            }
            Self::Log(_) => Self::Log(vec![(now, terms.limit)]),
            Self::Share { share, cut, .. } => Self::Share {
                period: terms.period,
                window,
                count: terms.part(*share),
                share: *share,
                cut: *cut,
            },
            Self::Level { .. } => Self::Level {
                level: match terms.law {
                    // TAT is the tolerance plus W/L away, in whole ticks.
                    Law::Gcra { tolerance } => Over {
                        parts: next_multiple(
                            Int::from(tolerance) * terms.limit + terms.period,
                            tick * terms.limit,
                        ),
                        period: terms.period,
                    },
                    _ => units(terms, terms.capacity()),
                },
                last: now,
                written: written(terms),
            },
            Self::Mean { factor, costs, .. } => Self::Mean {
                level: Over {
                    parts: terms.capacity() * 1_000 * terms.period,
                    period: 1_000 * terms.period,
                },
                last: now,
                written: written(terms),
                factor: *factor,
                costs: costs.clone(),
            },
        }
    }

    /// The mean is that of the last costs, including this hit's (L26).
    fn mean(terms: &Terms, level: Over, last: Int, mut costs: Vec<Int>) -> Self {
        let Law::CostBasedTokenBucket {
            window, min_refill, ..
        } = terms.law
        else {
            panic!("not a cost based law");
        };
        let cost = *costs.last().expect("that of the hit");
        let beyond = costs.len().saturating_sub(window as usize);
        costs.drain(..beyond);
        let sum: Int = costs.iter().sum();
        Self::Mean {
            level: Over {
                parts: level.parts + cost * level.period,
                ..level
            },
            last,
            written: written(terms),
            factor: Int::from(min_refill).max(1_000 * costs.len() as Int / sum),
            costs,
        }
    }
}

/// The hits of the last period (L13). Hits of another rate stay unchanged (L30), but an admitted
/// hit removes those that had expired under its own rate.
fn live(terms: &Terms, memory: Option<&Memory>, now: Int) -> View {
    let entries: &[(Int, Int)] = match memory {
        Some(Memory::Log(entries)) => entries,
        _ => &[],
    };
    let at = entries.last().map_or(now, |(newest, _)| now.max(*newest));
    let live = entries.iter().filter(|(made, _)| at < made + terms.period);
    let mut ticks: Vec<_> = live.clone().map(|(made, _)| *made).collect();
    ticks.dedup();
    View::Sum {
        at,
        ticks: ticks.len() as Int,
        sum: live.map(|(_, cost)| cost).sum(),
        oldest: ticks.first().copied(),
    }
}

/// An adaptive law's window (L24). Under another period, an open window keeps its count (L30), and
/// an ended one recovers by the windows of its own period.
fn recovered(terms: &Terms, parameters: &Adaptive, memory: Option<&Memory>, now: Int) -> View {
    let start = |at: Int| at - at % terms.period;
    let Some(Memory::Share {
        period,
        window,
        count,
        share,
        cut,
    }) = memory
    else {
        return View::Share {
            window: start(now),
            count: 0,
            share: 1_000_000,
            cut: false,
        };
    };
    let at = now.max(*window);
    let windows = (at - window) / period;
    if windows == 0 {
        return View::Share {
            window: start(at),
            count: *count,
            share: *share,
            cut: *cut,
        };
    }
    let calm = windows - Int::from(*cut);
    let recovered = Int::from(*share) + calm * Int::from(parameters.recovery);
    View::Share {
        window: start(at),
        count: 0,
        share: u64::try_from(recovered.min(1_000_000)).expect("at max a million"),
        cut: false,
    }
}

/// A level less what has leaked by the factor in force; an empty level drops the costs (L27).
fn leaked_by_mean(terms: &Terms, memory: Option<&Memory>, now: Int, tick: Int) -> View {
    let empty = |at: Int| View::Mean {
        at,
        level: Over {
            parts: 0,
            period: 1_000 * terms.period,
        },
        factor: 1_000,
        costs: (0, 0),
    };
    let Some(Memory::Mean {
        level,
        last,
        written: under,
        factor,
        costs,
    }) = memory
    else {
        return empty(now);
    };
    let period = 1_000 * terms.period;
    let carried = if *under == written(terms) {
        level.parts
    } else {
        // In whole units, rounded up (L30).
        let whole = (level.parts + level.period - 1) / level.period;
        whole.min(terms.largest_count(tick)) * period
    };
    let last = next_multiple(*last, tick);
    let at = now.max(last);
    let parts = carried - (at - last) * terms.limit * factor;
    if parts <= 0 {
        return empty(at);
    }
    View::Mean {
        at,
        level: Over { parts, period },
        factor: *factor,
        costs: (costs.len() as Int, costs.iter().sum()),
    }
}

/// The units admitted in the window of now and in the previous one.
fn tally(terms: &Terms, memory: &Memory, now: Int, tick: Int) -> View {
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
            Law::SlidingCounter | Law::QuotaWithRollover { .. } => admitted(start - period, start),
            _ => 0,
        };
        return counts(terms, at, previous, admitted(start, start + period));
    }
    // The units of another period count until their state would have ended (L30).
    let current = admitted(*window, window + period);
    let (carried, ends) = match terms.law {
        Law::SlidingCounter if current > 0 => (
            current + admitted(window - period, *window),
            window + 2 * period,
        ),
        Law::SlidingCounter => (admitted(window - period, *window), window + period),
        _ => (current, window + period),
    };
    counts(terms, at, 0, if at < ends { carried } else { 0 })
}

fn counts(terms: &Terms, at: Int, previous: Int, current: Int) -> View {
    let max = terms.largest_count(terms.tick().expect("checked before"));
    View::Counts {
        at,
        window: at - at % terms.period,
        previous: previous.min(max),
        current: current.min(max),
    }
}

/// The level less what has leaked since it was written.
fn leaked(terms: &Terms, memory: &Memory, now: Int, tick: Int) -> View {
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
        // In whole units, rounded up (L30).
        let whole = (level.parts + level.period - 1) / level.period;
        units(terms, whole.min(terms.largest_count(tick)))
    };
    let last = next_multiple(*last, tick);
    let at = now.max(last);
    View::Level {
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

/// L, W and the tick, which a state carries.
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
