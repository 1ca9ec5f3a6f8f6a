//! Problems of a throttle: errors and warnings, with the part of the source they are about.

/// An error or a warning, and the part of the source that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The part to change.
    pub subject: Subject,
    /// The severity.
    pub severity: Severity,
    /// The mistake, and what to write instead.
    pub message: String,
}

/// The part of the source that a [`Problem`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The strategy's name, or the strategy as a whole.
    Strategy,
    /// The name of the parameter at this position.
    Name(usize),
    /// The value of the parameter at this position.
    Value(usize),
    /// The value of the parameter of this name, if it is written.
    Parameter(String),
    /// The time window at this position.
    Window(usize),
    /// The rate at this position.
    Rate(usize),
    /// The cost.
    Cost,
}

/// The severity of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The throttle is invalid.
    Error,
    /// The throttle is valid, but probably not as intended.
    Warning(Warning),
}

/// A valid but doubtful setting. `allow(…)` switches each warning off by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A small limit with `fixed_window`, which admits twice as much around the end of a window.
    BoundaryBurst,
    /// A window longer than a day, whose limit depends on the time of day at its start.
    CoarseRate,
    /// A retry that never retries.
    IdleRetry,
    /// A custom scope that is nearly a keyword.
    MisspeltScope,
    /// A time window that applies to at most one window of the rate.
    ShortWindow,
    /// `0/0` in a list of rates.
    UnlimitedRate,
    /// A rate in a list that never refuses.
    UnreachableRate,
    /// A cost of 0.
    ZeroCost,
}

impl Warning {
    /// All warnings, by name.
    pub const ALL: [Self; 8] = [
        Self::BoundaryBurst,
        Self::CoarseRate,
        Self::IdleRetry,
        Self::MisspeltScope,
        Self::ShortWindow,
        Self::UnlimitedRate,
        Self::UnreachableRate,
        Self::ZeroCost,
    ];

    /// Returns the name in `allow(…)`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BoundaryBurst => "boundary_burst",
            Self::CoarseRate => "coarse_rate",
            Self::IdleRetry => "idle_retry",
            Self::MisspeltScope => "misspelt_scope",
            Self::ShortWindow => "short_window",
            Self::UnlimitedRate => "unlimited_rate",
            Self::UnreachableRate => "unreachable_rate",
            Self::ZeroCost => "zero_cost",
        }
    }
}

impl Problem {
    /// Makes an error.
    pub(super) fn error(subject: Subject, message: impl Into<String>) -> Self {
        Self {
            subject,
            severity: Severity::Error,
            message: message.into(),
        }
    }

    /// Makes a warning.
    pub(super) fn warning(subject: Subject, warning: Warning, message: impl Into<String>) -> Self {
        Self {
            subject,
            severity: Severity::Warning(warning),
            message: message.into(),
        }
    }
}
