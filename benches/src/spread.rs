use std::fmt;

/// The median of figures, and their middle half.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// A quarter is less.
    pub low: f64,
    /// Half is less.
    pub median: f64,
    /// A quarter is more.
    pub high: f64,
}

impl Spread {
    /// That of these figures.
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

/// What a ratio is to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// This much or less.
    AtMost(f64),
    /// This much or more.
    AtLeast(f64),
    /// It is only told.
    None,
}

impl Goal {
    /// The goal, and whether a ratio meets it.
    pub fn verdict(self, ratio: f64) -> String {
        let is_met = match self {
            Self::AtMost(most) => ratio <= most,
            Self::AtLeast(least) => ratio >= least,
            Self::None => return self.to_string(),
        };
        format!("{self}: {}", if is_met { "met" } else { "**missed**" })
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::None => f.write_str("–"),
        }
    }
}
