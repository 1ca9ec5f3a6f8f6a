/// Something wrong with what was written, or doubtful, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What has to be changed.
    pub subject: Subject,
    /// Whether it has to be.
    pub severity: Severity,
    /// What is wrong; what to write instead.
    pub message: String,
}

/// What a [`Problem`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The strategy's name, or the strategy as a whole.
    Strategy,
    /// The name of the parameter at this place.
    Name(usize),
    /// The value of the parameter at this place.
    Value(usize),
    /// The value of the parameter of this name, if it was written.
    Parameter(String),
    /// The time window at this place.
    Window(usize),
    /// The rate at this place.
    Rate(usize),
    /// The cost.
    Cost,
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// There is no such throttle.
    Error,
    /// There is, but it was hardly meant.
    Warning(Warning),
}

/// What is legal and doubtful; `allow(…)` switches each off by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A small limit by `fixed_window`, which the end of a window doubles.
    BoundaryBurst,
    /// A rate so long that the time of day at its start decides for days.
    CoarseRate,
    /// A retry of nothing but what is not asked again.
    IdleRetry,
    /// A scope of the user's own that is nearly a word.
    MisspeltScope,
    /// A time window that holds for one window of the rate at most.
    ShortWindow,
    /// `0/0` in a list.
    UnlimitedRate,
    /// A rate in a list that never decides.
    UnreachableRate,
    /// A cost of 0.
    ZeroCost,
}

impl Warning {
    /// All of them, by name.
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

    /// The name in `allow(…)`.
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
    /// What makes the throttle impossible.
    pub(super) fn error(subject: Subject, message: impl Into<String>) -> Self {
        Self {
            subject,
            severity: Severity::Error,
            message: message.into(),
        }
    }

    /// What makes it doubtful.
    pub(super) fn warning(subject: Subject, warning: Warning, message: impl Into<String>) -> Self {
        Self {
            subject,
            severity: Severity::Warning(warning),
            message: message.into(),
        }
    }
}
