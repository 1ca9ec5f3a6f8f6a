//! The metadata of `stat`, in the words of strategies.md.

use super::{Int, Law, Oracle, Seen, Terms};

/// A field and its value; what is true is 1.
pub(crate) type Fact = (&'static str, f64);

impl Oracle {
    /// What `stat` tells beyond what all strategies have in common.
    pub(crate) fn facts(&self, terms: &Terms, now: Int) -> Vec<Fact> {
        let rate_per_ms = terms.limit as f64 / terms.period as f64 * 1_000.0;
        let seen = self.seen(terms, now);
        match (terms.law, seen) {
            (
                Law::FixedWindow,
                Seen::Counts {
                    window, current, ..
                },
            ) => vec![
                ("window_start_ms", (window / 1_000) as f64),
                ("window_end_ms", ((window + terms.period) / 1_000) as f64),
                ("current_count", current as f64),
            ],
            (
                _,
                Seen::Counts {
                    at,
                    window,
                    previous,
                    current,
                },
            ) => {
                let in_sight = terms.period - (at - window);
                let weighted = (previous * in_sight + current * terms.period) as f64;
                vec![
                    ("current_count", current as f64),
                    ("previous_count", previous as f64),
                    ("weighted_count", weighted / terms.period as f64),
                ]
            }
            (Law::TokenBucket { burst, debt }, Seen::Level { level, .. }) => {
                let burst = terms.burst(burst);
                let tokens = (burst * level.period - level.parts) as f64 / level.period as f64;
                vec![
                    ("tokens", tokens),
                    ("capacity", burst as f64),
                    ("refill_rate_per_ms", rate_per_ms),
                    ("current_debt", (-tokens).max(0.0)),
                    ("max_debt", debt as f64),
                ]
            }
            (_, Seen::Level { at, level }) => {
                let ahead = level.parts as f64 / terms.limit as f64;
                let conformant = self.admits(terms, now, 1);
                vec![
                    ("tat_ms", (at as f64 + ahead) / 1_000.0),
                    ("emission_interval_ms", 1.0 / rate_per_ms),
                    ("conformant", f64::from(u8::from(conformant))),
                ]
            }
        }
    }
}
