//! The spread of measured ratios, and the goals they are compared with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The median and the quartiles of a set of figures.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Spread {
    /// The lower quartile.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// The upper quartile.
    pub high: f64,
}

impl Spread {
    /// Computes the spread of `figures`.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |quarter: usize| sorted[(sorted.len() - 1) * quarter / 4];
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }
}

/// The goal for a ratio or a count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Goal {
    /// The figure must be at most this.
    AtMost(f64),
    /// The figure must be at least this.
    AtLeast(f64),
    /// The figure is only reported.
    None,
}

impl Goal {
    /// Returns `true` if `figure` meets the goal.
    pub fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtMost(bound) => figure <= bound,
            Self::AtLeast(bound) => figure >= bound,
            Self::None => true,
        }
    }

    /// Returns the goal and, in words, the verdict on `figure`.
    pub fn verdict(self, figure: f64) -> String {
        match (self, self.is_met(figure)) {
            (Self::None, _) => self.to_string(),
            (_, true) => format!("{self}: met"),
            (_, false) => format!("{self}: **missed**"),
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::None => f.write_str("–"),
        }
    }
}
