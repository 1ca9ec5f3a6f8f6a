use std::time::Duration;

#[cfg(feature = "redis")]
use super::exact::NOTHING;
use super::{Kind, Packed};
use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::Factor;

/// A count in windows aligned to the epoch, whose limit is cut when use is high, and comes back window by window when it
/// is calm (L22 – L24): additive increase, multiplicative decrease, as TCP's congestion control has it (Chiu and Jain, 1989).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adaptive {
    limit: u64,
    period: u64,
    tuning: Tuning,
    /// Whether the application's own signal, if it has one, is above the threshold.
    loaded: Option<bool>,
}

/// When the limit is cut, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// The use above which the limit is cut.
    pub threshold: Factor,
    /// What is left of it then.
    pub reduction: Factor,
    /// What comes back of it in a calm window.
    pub recovery: Factor,
    /// What is left of it at least.
    pub least: Factor,
}

/// The state as of a time.
#[derive(Clone, Copy)]
struct Standing {
    start: u64,
    count: u64,
    /// What is left of the limit, in millionths.
    share: u64,
    /// Whether it was cut in this window.
    cut: bool,
}

/// When windows end: those of the period that a state was written under, as long as nothing is written under another (L30).
struct Ends {
    first: u64,
    period: u64,
}

const WHOLE: u64 = Factor::ONE.in_millionths();

impl Adaptive {
    /// The law of a rate.
    pub fn new(rate: Rate, tuning: Tuning, loaded: Option<bool>) -> Self {
        Self {
            limit: rate.limit().into(),
            period: rate.period_micros(),
            tuning,
            loaded,
        }
    }

    /// The largest cost that a window without a cut takes.
    pub const fn largest(&self) -> u64 {
        self.limit
    }

    /// The limit in force and what was taken of it, at a time.
    pub fn in_force(&self, state: &Packed, now: u64) -> (u64, u64) {
        let standing = self.standing(state, now);
        (self.limit_at(standing.share), standing.count)
    }

    pub(crate) fn decide(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        let before = self.standing(state, now);
        let limit = self.limit_at(before.share);
        let count = before
            .count
            .checked_add(cost)
            .filter(|count| *count <= limit)?;
        Some(self.with(before, count))
    }

    /// Takes a cost, whether there is room or not (L32).
    #[cfg(feature = "engine")]
    pub(super) fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let before = self.standing(state, now);
        self.with(before, before.count.saturating_add(cost).min(MOST))
    }

    /// The state when this much is taken, which may cut the limit.
    fn with(&self, before: Standing, count: u64) -> Packed {
        let mut after = Standing { count, ..before };
        if !after.cut && self.is_above(count) {
            let reduced = self.tuning.reduction.of(after.share);
            after.share = reduced.max(self.tuning.least.in_millionths());
            after.cut = true;
        }
        self.packed(after)
    }

    pub(crate) fn report(&self, state: &Packed, now: u64, cost: u64) -> Report {
        let standing = self.standing(state, now);
        let limit = self.limit_at(standing.share);
        let remaining = limit.saturating_sub(standing.count);
        let Ends { first, period } = self.ends(state, now);
        let rest = Duration::from_micros(first - now);
        let after = |windows: u64| rest + Duration::from_micros(period) * (windows - 1) as u32;
        let wait = |cost: u64| {
            if cost <= remaining {
                return Some(Duration::ZERO);
            }
            self.windows_until(&standing, cost).map(after)
        };
        let initial = standing.count == 0 && standing.share == WHOLE;
        let whole = self.windows_until_share(&standing, WHOLE);
        Report {
            limit,
            remaining,
            wait: wait(cost),
            next: wait(remaining + 1),
            reset: if initial {
                Duration::ZERO
            } else {
                after(whole)
            },
            delay: Duration::ZERO,
        }
    }

    fn is_above(&self, count: u64) -> bool {
        let used = u128::from(count) * u128::from(WHOLE);
        let threshold = u128::from(self.limit) * u128::from(self.tuning.threshold.in_millionths());
        self.loaded.unwrap_or(used > threshold)
    }

    fn limit_at(&self, share: u64) -> u64 {
        Factor::millionths(share).of(self.limit)
    }

    /// After how many windows, if they are calm, the limit in force is at least a cost.
    fn windows_until(&self, standing: &Standing, cost: u64) -> Option<u64> {
        if cost > self.limit {
            return None;
        }
        if standing.share == WHOLE {
            return Some(1);
        }
        // Limits have 32 bits, so this fits.
        let share = (cost * WHOLE).div_ceil(self.limit);
        Some(self.windows_until_share(standing, share))
    }

    fn windows_until_share(&self, standing: &Standing, share: u64) -> u64 {
        let missing = share.saturating_sub(standing.share);
        if missing == 0 {
            return 1;
        }
        let windows = missing.div_ceil(self.tuning.recovery.in_millionths());
        (windows + u64::from(standing.cut && missing > 0)).max(1)
    }

    fn ends(&self, state: &Packed, now: u64) -> Ends {
        let (start, period) = match state.kind {
            Kind::Adaptive => (state.at, state.period),
            _ => (0, self.period),
        };
        let at = now.max(start);
        let first = if at - start < period {
            start + period
        } else {
            at - (at - start) % period + period
        };
        Ends { first, period }
    }

    fn standing(&self, state: &Packed, now: u64) -> Standing {
        let fresh = |at: u64| Standing {
            start: at - at % self.period,
            count: 0,
            share: WHOLE,
            cut: false,
        };
        if state.kind != Kind::Adaptive {
            return fresh(now);
        }
        let written = unpack(state);
        let at = now.max(written.start);
        let since = at - written.start;
        if since < state.period {
            // A window of another period that has not ended keeps its count (L30).
            let start = if state.period == self.period {
                written.start
            } else {
                fresh(at).start
            };
            return Standing { start, ..written };
        }
        let calm = since / state.period - u64::from(written.cut);
        let recovered = u128::from(calm) * u128::from(self.tuning.recovery.in_millionths());
        let share = WHOLE.min(
            written
                .share
                .saturating_add(recovered.min(u128::from(WHOLE)) as u64),
        );
        Standing { share, ..fresh(at) }
    }

    fn packed(&self, standing: Standing) -> Packed {
        let Standing {
            start,
            count,
            share,
            cut,
        } = standing;
        Packed {
            kind: Kind::Adaptive,
            tick_power: 0,
            limit: self.limit as u32,
            period: self.period,
            at: start,
            amount: join(count, share, cut),
        }
    }

    /// What its twin in Lua is told.
    #[cfg(feature = "redis")]
    pub(super) fn numbers(&self) -> Vec<u64> {
        let Tuning {
            threshold,
            reduction,
            recovery,
            least,
        } = self.tuning;
        let shares = [threshold, reduction, recovery, least].map(Factor::in_millionths);
        let loaded = self.loaded.map_or(NOTHING, u64::from);
        [&[self.limit, self.period][..], &shares, &[loaded]].concat()
    }

    /// Counts no windows of its own, so it takes as long as the slowest recovery: a millionth a window.
    pub(super) fn expires(state: &Packed) -> u64 {
        let written = unpack(state);
        let windows = if written.share == WHOLE {
            1
        } else {
            WHOLE - written.share + u64::from(written.cut)
        };
        state
            .at
            .saturating_add(state.period.saturating_mul(windows))
    }

    #[cfg(feature = "engine")]
    pub(super) fn amounts(state: &Packed) -> [u64; 3] {
        let Standing {
            count, share, cut, ..
        } = unpack(state);
        [count, share, cut.into()]
    }

    pub(super) fn used(state: &Packed) -> u64 {
        unpack(state).count
    }
}

/// A count takes 43 bits, a share 20, a cut 1.
const SHARE: u32 = 43;
const CUT: u32 = 63;
const MOST: u64 = (1 << SHARE) - 1;

fn join(count: u64, share: u64, cut: bool) -> u64 {
    count.min(MOST) | share << SHARE | u64::from(cut) << CUT
}

/// The numbers as a state has them, if they can be one's.
#[cfg(feature = "engine")]
pub(super) fn pack(count: u64, share: u64, cut: u64) -> Option<u64> {
    (share <= WHOLE && cut <= 1).then(|| join(count, share, cut == 1))
}

fn unpack(state: &Packed) -> Standing {
    Standing {
        start: state.at,
        count: state.amount & MOST,
        share: state.amount >> SHARE & ((1 << (CUT - SHARE)) - 1),
        cut: state.amount >> CUT == 1,
    }
}
