//! The metadata of `stat`, as the chapter on strategies documents it.

use traffik::Priority;

use super::{Int, Law, Oracle, TIERS, Terms, View};

/// A field and its value.
pub(crate) type Fact = (&'static str, Value);

/// A value in metadata.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    /// Booleans are 0 or 1.
    Number(f64),
    Word(&'static str),
    Nothing,
}

use Value::{Nothing, Number, Word};

/// Returns a fraction.
fn over(parts: Int, whole: Int) -> Value {
    Number(parts as f64 / whole as f64)
}

fn count(number: Int) -> Value {
    Number(number as f64)
}

impl Oracle {
    /// Returns the metadata of a law.
    pub(crate) fn facts(&self, terms: &Terms, now: Int) -> Vec<Fact> {
        let oracle = self.caught_up(terms, now);
        match oracle.view(terms, now) {
            View::Level { .. } | View::Mean { .. } => oracle.facts_of_meters(terms, now),
            _ => oracle.facts_of_counts(terms, now),
        }
    }

    fn facts_of_counts(&self, terms: &Terms, now: Int) -> Vec<Fact> {
        let limit = count(self.limit(terms, now));
        match (terms.law, self.view(terms, now)) {
            (
                Law::QuotaWithRollover { .. },
                View::Counts {
                    previous, current, ..
                },
            ) => vec![
                ("base_limit", count(terms.limit)),
                ("rollover_amount", count(terms.carry(previous))),
                ("effective_limit", limit),
                ("usage", count(current)),
            ],
            (Law::Tiered { multipliers, who }, _) => {
                let tier = TIERS.iter().position(|tier| Some(*tier) == who);
                let place = tier.unwrap_or(0);
                vec![
                    ("tier", Word(TIERS[place])),
                    (
                        "tier_multiplier",
                        over(multipliers[place].into(), 1_000_000),
                    ),
                    ("effective_limit", limit),
                ]
            }
            (Law::TimeOfDay { .. }, View::Counts { window, .. }) => vec![
                ("hour", count(terms.local_minutes(window) / 60 % 24)),
                (
                    "time_multiplier",
                    over(terms.factor(window).into(), 1_000_000),
                ),
                ("effective_limit", limit),
            ],
            (Law::Adaptive(parameters), View::Share { count: used, .. }) => {
                let load = parameters.load.map(|load| over(load.into(), 1_000_000));
                let load = load.unwrap_or_else(|| over(used, terms.limit));
                vec![("effective_limit", limit), ("current_load", load)]
            }
            (Law::Priority { who, .. }, View::Sum { sum, .. }) => {
                let priority = match who {
                    Priority::Low => "low",
                    Priority::Normal => "normal",
                    Priority::High => "high",
                    Priority::Critical => "critical",
                };
                vec![
                    ("priority", Word(priority)),
                    ("total_cost", count(sum)),
                    ("share_limit", limit),
                ]
            }
            (
                _,
                View::Sum {
                    ticks, sum, oldest, ..
                },
            ) => vec![
                ("entry_count", count(ticks)),
                ("current_cost_sum", count(sum)),
                (
                    "oldest_entry_ms",
                    oldest.map_or(Nothing, |at| count(at / 1_000)),
                ),
            ],
            (
                Law::FixedWindow,
                View::Counts {
                    window, current, ..
                },
            ) => vec![
                ("window_start_ms", count(window / 1_000)),
                ("window_end_ms", count((window + terms.period) / 1_000)),
                ("current_count", count(current)),
            ],
            (
                _,
                View::Counts {
                    at,
                    window,
                    previous,
                    current,
                },
            ) => {
                let in_sight = terms.period - (at - window);
                let weighted = previous * in_sight + current * terms.period;
                vec![
                    ("current_count", count(current)),
                    ("previous_count", count(previous)),
                    ("weighted_count", over(weighted, terms.period)),
                ]
            }
            other => panic!("not a law that counts: {other:?}"),
        }
    }

    fn facts_of_meters(&self, terms: &Terms, now: Int) -> Vec<Fact> {
        let rate_per_ms = terms.limit as f64 / terms.period as f64 * 1_000.0;
        let leak = ("leak_rate_per_ms", Number(rate_per_ms));
        match (terms.law, self.view(terms, now)) {
            (Law::LeakyBucket { .. }, View::Level { level, .. }) => vec![
                ("bucket_level", over(level.parts, level.period)),
                ("bucket_capacity", count(terms.capacity())),
                leak,
            ],
            (Law::LeakyBucketWithQueue { .. }, View::Level { level, .. }) => vec![
                ("queue_cost", over(level.parts, level.period)),
                ("queue_size", count(terms.capacity())),
                leak,
            ],
            (
                _,
                View::Mean {
                    level,
                    factor,
                    costs: (hits, sum),
                    ..
                },
            ) => {
                let tokens = terms.capacity() * level.period - level.parts;
                let mean = if hits == 0 {
                    Number(1.0)
                } else {
                    over(sum, hits)
                };
                let refill = rate_per_ms * factor as f64 / 1_000.0;
                vec![
                    ("tokens", over(tokens, level.period)),
                    ("capacity", count(terms.capacity())),
                    ("average_cost", mean),
                    ("effective_refill_rate_per_ms", Number(refill)),
                ]
            }
            (Law::TokenBucket { burst, debt }, View::Level { level, .. }) => {
                let burst = terms.burst(burst);
                let tokens = (burst * level.period - level.parts) as f64 / level.period as f64;
                vec![
                    ("tokens", Number(tokens)),
                    ("capacity", count(burst)),
                    ("refill_rate_per_ms", Number(rate_per_ms)),
                    ("current_debt", Number((-tokens).max(0.0))),
                    ("max_debt", Number(debt as f64)),
                ]
            }
            (_, View::Level { at, level }) => {
                let ahead = level.parts as f64 / terms.limit as f64;
                let conformant = self.admits(terms, now, 1);
                vec![
                    ("tat_ms", Number((at as f64 + ahead) / 1_000.0)),
                    ("emission_interval_ms", Number(1.0 / rate_per_ms)),
                    ("conformant", Number(f64::from(u8::from(conformant)))),
                ]
            }
            other => panic!("not a meter: {other:?}"),
        }
    }
}
