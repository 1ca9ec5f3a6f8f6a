//! The entries of the catalog: each strategy with its parameters and defaults.

/// A strategy in the catalog.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The name users write.
    pub name: &'static str,
    /// A summary in one line.
    pub summary: &'static str,
    /// Its parameters, in the order of the documentation.
    pub params: &'static [Param],
    /// The type of parameters of any other name, if it accepts them.
    pub open: Option<Takes>,
    /// `true` if clients can have leases of its quota.
    pub is_leasable: bool,
}

/// A parameter of a strategy.
#[derive(Debug)]
#[non_exhaustive]
pub struct Param {
    /// The name users write.
    pub name: &'static str,
    /// The type of its value.
    pub takes: Takes,
    /// The value if none is written.
    pub default: &'static str,
    /// A summary in one line.
    pub summary: &'static str,
}

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takes {
    /// A whole number of units, at least this.
    Count(u64),
    /// A duration in words, such as `"500ms"`.
    Duration,
    /// A part of the whole, such as `0.8` or `"80%"`.
    Share,
    /// A multiplier, such as `1.5`.
    Multiplier,
    /// A percentage, such as `50` or `"50%"`.
    Percent,
    /// The name of one of the strategy's open parameters.
    Name,
    /// Parts of the day and their multipliers: `["08:00-18:00" = 2.0]`.
    Windows,
    /// The offset of local time from UTC: `"+05:30"`.
    Offset,
    /// A function: `fn() -> f64`.
    Function,
}

const fn entry(name: &'static str, summary: &'static str, params: &'static [Param]) -> Entry {
    Entry {
        name,
        summary,
        params,
        open: None,
        is_leasable: true,
    }
}

/// An entry whose quota is not leased: a hit changes more than the room for the next ones.
const fn entry_without_leases(
    name: &'static str,
    summary: &'static str,
    params: &'static [Param],
) -> Entry {
    Entry {
        is_leasable: false,
        ..entry(name, summary, params)
    }
}

/// Returns `true` if clients can have leases of the quota of the strategy of this name.
pub fn is_leasable(name: &str) -> bool {
    let mut entries = ENTRIES.iter();
    entries.any(|entry| entry.name == name && entry.is_leasable)
}

const fn param(
    name: &'static str,
    takes: Takes,
    default: &'static str,
    summary: &'static str,
) -> Param {
    Param {
        name,
        takes,
        default,
        summary,
    }
}

/// All strategies, in the order of the guide.
pub static ENTRIES: &[Entry] = &[
    entry(
        "fixed_window",
        "counts in windows aligned to the epoch",
        &[],
    ),
    entry(
        "sliding_log",
        "remembers every hit of the last period: exact",
        &[],
    ),
    entry(
        "sliding_counter",
        "counts in two windows, the older one weighted",
        &[],
    ),
    entry(
        "token_bucket",
        "tokens refill at the rate, up to a burst",
        &[
            param(
                "burst",
                Takes::Count(1),
                "the rate's limit",
                "how many tokens the bucket holds",
            ),
            param(
                "debt",
                Takes::Count(0),
                "0",
                "how many tokens may be taken beyond an empty bucket",
            ),
        ],
    ),
    entry(
        "leaky_bucket",
        "hits pour in, and leak at the rate",
        &[param(
            "capacity",
            Takes::Count(1),
            "the rate's limit",
            "how much the bucket holds",
        )],
    ),
    entry_without_leases(
        "leaky_bucket_with_queue",
        "hits queue up and run at the rate",
        &[param(
            "queue_size",
            Takes::Count(1),
            "the rate's limit",
            "how many units hold a place, the one being served included",
        )],
    ),
    entry(
        "gcra",
        "spaces hits evenly",
        &[param(
            "burst_tolerance",
            Takes::Duration,
            "0ms",
            "how early a hit may come",
        )],
    ),
    Entry {
        open: Some(Takes::Multiplier),
        ..entry(
            "tiered",
            "multiplies the limit by what the client's tier is worth",
            &[param(
                "default",
                Takes::Name,
                "needed",
                "the tier of clients without one",
            )],
        )
    },
    entry_without_leases(
        "adaptive",
        "cuts the limit under load",
        &[
            param(
                "threshold",
                Takes::Share,
                "0.8",
                "the use above which the limit is cut",
            ),
            param("reduction", Takes::Share, "0.6", "what is left of it then"),
            param(
                "recovery",
                Takes::Share,
                "0.1",
                "what comes back in a window without a cut",
            ),
            param("min", Takes::Share, "0.3", "what is left at least"),
            param(
                "load",
                Takes::Function,
                "use",
                "a signal that decides instead of use",
            ),
        ],
    ),
    entry_without_leases(
        "priority",
        "keeps a reserve for requests that matter more",
        &[
            param("low", Takes::Share, "0.5", "the share of low priority"),
            param(
                "normal",
                Takes::Share,
                "0.8",
                "the share of normal priority",
            ),
            param("high", Takes::Share, "0.95", "the share of high priority"),
            param(
                "critical",
                Takes::Share,
                "1.0",
                "the share of critical priority",
            ),
        ],
    ),
    entry(
        "quota_with_rollover",
        "carries over what was not used",
        &[
            param(
                "percent",
                Takes::Percent,
                "50",
                "how much of what was not used is carried over",
            ),
            param(
                "max",
                Takes::Count(0),
                "500",
                "how many units are carried over at most",
            ),
        ],
    ),
    entry(
        "time_of_day",
        "multiplies the limit by what the hour is worth",
        &[
            param(
                "windows",
                Takes::Windows,
                "none",
                "parts of the day and their multipliers, of which the first that holds counts",
            ),
            param(
                "utc_offset",
                Takes::Offset,
                "+00:00",
                "how far local time is ahead of UTC",
            ),
        ],
    ),
    entry_without_leases(
        "cost_based_token_bucket",
        "refills more slowly the more hits cost",
        &[
            param(
                "burst",
                Takes::Count(1),
                "the rate's limit",
                "how many tokens the bucket holds",
            ),
            param(
                "window",
                Takes::Count(1),
                "100",
                "how many hits the mean is of",
            ),
            param(
                "min_refill",
                Takes::Share,
                "0.5",
                "how much of the rate is refilled at least",
            ),
        ],
    ),
];
