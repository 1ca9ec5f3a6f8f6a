//! Adaptive windows: a count whose limit is cut under load and recovers window by window.

use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::factor::Factor;
use crate::strategy::kernel::contract::Kernel;
use crate::strategy::kernel::packed::{Kind, Packed};
#[cfg(feature = "engine")]
use crate::strategy::kernel::tick::EXACT;
#[cfg(feature = "redis")]
use crate::strategy::kernel::tick::NOTHING;

/// A count in windows aligned to the epoch, whose limit is cut when use is high, and recovers by
/// each calm window (L22 – L24).
///
/// Additive increase, multiplicative decrease, as in TCP's congestion control (Chiu and Jain,
/// 1989).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adaptive {
    limit: u64,
    period: u64,
    tuning: Tuning,
    /// The largest count that is not above the threshold.
    calm: u64,
    /// `true` if the application's own signal is above the threshold; `None` if it has no signal.
    loaded: Option<bool>,
}

/// The conditions and the amounts of cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// The use above which the limit is cut.
    pub threshold: Factor,
    /// The part of the limit that a cut leaves.
    pub reduction: Factor,
    /// The part of the whole limit that a calm window gives back.
    pub recovery: Factor,
    /// The least part of the whole limit.
    pub least: Factor,
}

/// A state as of a time.
pub(crate) struct Standing {
    start: u64,
    usage: Usage,
    ends: Ends,
}

/// The count of a window, and the cut of its limit.
#[derive(Clone, Copy)]
struct Usage {
    count: u64,
    /// The part of the limit that is left, in millionths.
    share: u64,
    /// `true` if the limit was cut in this window.
    cut: bool,
}

/// The ends of windows: those of the period that a state was written under, until it is written
/// under another one (L30).
#[derive(Clone, Copy)]
struct Ends {
    first: u64,
    period: u64,
}

const WHOLE: u64 = Factor::ONE.in_millionths();

impl Adaptive {
    /// Makes the law of a rate.
    pub fn new(rate: Rate, tuning: Tuning, loaded: Option<bool>) -> Self {
        let threshold = tuning.threshold;
        Self {
            limit: rate.limit(),
            period: rate.period_micros(),
            tuning,
            calm: threshold.of(rate.limit()),
            loaded,
        }
    }

    /// Returns `true` if a signal of the application decides about cuts.
    #[cfg(feature = "engine")]
    pub(crate) const fn has_load(&self) -> bool {
        self.loaded.is_some()
    }

    /// Returns the largest cost that is ever admitted: that of a window without a cut.
    pub const fn max_cost(&self) -> u64 {
        self.limit
    }

    /// Returns the limit in force and the count of the window at `now`.
    pub fn in_force(&self, state: &Packed, now: u64) -> (u64, u64) {
        let Usage { count, share, .. } = self.standing(state, now).usage;
        (self.limit_at(share), count)
    }

    /// Returns the usage after a hit, if the law admits it.
    #[inline]
    fn usage_after(&self, before: Usage, cost: u64) -> Option<Usage> {
        let count = before.count.checked_add(cost)?;
        (count <= self.limit_at(before.share)).then(|| self.counted(before, count))
    }

    /// Returns the usage with this count, which may cut the limit.
    #[inline]
    fn counted(&self, before: Usage, count: u64) -> Usage {
        if before.cut || !self.loaded.unwrap_or(count > self.calm) {
            return Usage { count, ..before };
        }
        let reduced = self.tuning.reduction.of(before.share);
        Usage {
            count,
            share: reduced.max(self.tuning.least.in_millionths()),
            cut: true,
        }
    }

    fn limit_at(&self, share: u64) -> u64 {
        Factor::millionths(share).of(self.limit)
    }

    /// Returns after how many calm windows the limit in force is at least a cost.
    #[inline]
    fn windows_until(&self, usage: Usage, cost: u64) -> Option<u64> {
        if cost > self.limit {
            return None;
        }
        if usage.share == WHOLE {
            return Some(1);
        }
        let share = match cost.checked_mul(WHOLE) {
            Some(product) => product.div_ceil(self.limit),
            // At most the whole, since the cost is at most the limit.
            None => (u128::from(cost) * u128::from(WHOLE)).div_ceil(u128::from(self.limit)) as u64,
        };
        Some(self.windows_until_share(usage, share))
    }

    #[inline]
    fn windows_until_share(&self, usage: Usage, share: u64) -> u64 {
        // Shares have 20 bits, and a short division takes less time.
        let missing = share.saturating_sub(usage.share) as u32;
        if missing == 0 {
            return 1;
        }
        let recovery = self.tuning.recovery.in_millionths() as u32;
        u64::from(missing.div_ceil(recovery)) + u64::from(usage.cut)
    }

    /// Returns an empty window.
    fn fresh(&self, at: u64) -> Standing {
        let start = at - at % self.period;
        Standing {
            start,
            usage: Usage {
                count: 0,
                share: WHOLE,
                cut: false,
            },
            ends: Ends {
                first: start + self.period,
                period: self.period,
            },
        }
    }

    /// Returns a window at `now` that has used all that is left of the limit.
    #[cold]
    fn full(&self, written: Usage, now: u64) -> Standing {
        Standing {
            usage: Usage {
                count: self.limit_at(written.share),
                ..written
            },
            ..self.fresh(now)
        }
    }

    /// Returns a state after calm windows, each of which gave back a part of the limit.
    #[cold]
    fn recovered(&self, state: &Packed, at: u64) -> Standing {
        let (written, period) = (unpack(state), state.period);
        let since = at - state.at;
        let calm = since / period - u64::from(written.cut);
        let recovered = u128::from(calm) * u128::from(self.tuning.recovery.in_millionths());
        let share = written
            .share
            .saturating_add(recovered.min(u128::from(WHOLE)) as u64);
        Standing {
            usage: Usage {
                count: 0,
                share: share.min(WHOLE),
                cut: false,
            },
            ends: Ends {
                first: at - since % period + period,
                period,
            },
            ..self.fresh(at)
        }
    }

    #[inline]
    fn packed(&self, start: u64, Usage { count, share, cut }: Usage) -> Packed {
        Packed {
            kind: Kind::Adaptive,
            tick_power: 0,
            limit: self.limit,
            period: self.period,
            at: start,
            amount: count,
            extra: join(share, cut),
        }
    }

    /// Returns the arguments of its twin in Lua.
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

    /// Returns the microsecond at which the slowest recovery, a millionth a window, has ended: a
    /// state does not know its own.
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
        let Usage { count, share, cut } = unpack(state);
        [count, share, cut.into()]
    }

    /// Returns the count, scaled from the limit in force to the whole one. It reaches the whole
    /// limit exactly if nothing is left of the one in force.
    #[cfg(feature = "engine")]
    pub(super) fn used(state: &Packed) -> u64 {
        let Usage { count, share, .. } = unpack(state);
        let scaled = ((u128::from(count) + 1) * u128::from(WHOLE) - 1) / u128::from(share.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

impl Ends {
    /// Returns the length of so many windows.
    #[inline]
    fn later(self, windows: u64) -> Duration {
        match self.period.checked_mul(windows) {
            Some(micros) => Duration::from_micros(micros),
            None => Duration::from_micros(self.period) * windows as u32,
        }
    }
}

impl Kernel for Adaptive {
    type Standing = Standing;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        if state.kind != Kind::Adaptive {
            return self.fresh(now);
        }
        let (written, period) = (unpack(state), state.period);
        if state.at.saturating_sub(now) > self.period {
            return self.full(written, now);
        }
        let at = now.max(state.at);
        if at - state.at >= period {
            return self.recovered(state, at);
        }
        // A window of another period that has not ended keeps its count (L30).
        let start = if period == self.period {
            state.at
        } else {
            self.fresh(at).start
        };
        Standing {
            start,
            usage: written,
            ends: Ends {
                first: state.at + period,
                period,
            },
        }
    }

    #[inline(always)]
    fn admit(&self, standing: &Standing, _: u64, cost: u64) -> Option<(Standing, Packed)> {
        let usage = self.usage_after(standing.usage, cost)?;
        let after = Standing {
            usage,
            ends: Ends {
                first: standing.start + self.period,
                period: self.period,
            },
            ..*standing
        };
        Some((after, self.packed(standing.start, usage)))
    }

    #[inline(always)]
    fn report(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        let Standing { usage, ends, .. } = *standing;
        let limit = self.limit_at(usage.share);
        let remaining = limit.saturating_sub(usage.count);
        let first = Duration::from_micros(ends.first - now);
        let after = |windows: u64| match windows {
            1 => first,
            _ => first + ends.later(windows - 1),
        };
        let next = self.windows_until(usage, remaining + 1).map(after);
        Report {
            limit,
            remaining,
            wait: if cost <= remaining {
                Some(Duration::ZERO)
            } else if cost == remaining + 1 {
                next
            } else {
                self.windows_until(usage, cost).map(after)
            },
            next,
            reset: if usage.count == 0 && usage.share == WHOLE {
                Duration::ZERO
            } else {
                after(self.windows_until_share(usage, WHOLE))
            },
            delay: Duration::ZERO,
        }
    }

    #[cfg(feature = "engine")]
    fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let Standing { start, usage, .. } = self.standing(state, now);
        let count = usage.count.saturating_add(cost).min(EXACT);
        self.packed(start, self.counted(usage, count))
    }

    #[cfg(feature = "engine")]
    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        let is_ahead = state.at.saturating_sub(now) > self.period;
        (is_ahead && state.kind == Kind::Adaptive).then(|| {
            let Standing { start, usage, .. } = self.full(unpack(state), now);
            self.packed(start, usage)
        })
    }
}

/// The bit of a cut, above the 20 bits of a share.
const CUT: u32 = 20;

#[inline]
fn join(share: u64, cut: bool) -> u64 {
    share | u64::from(cut) << CUT
}

/// Packs a share and a cut, if a state can hold them.
#[cfg(feature = "engine")]
pub(super) fn pack(share: u64, cut: u64) -> Option<u64> {
    (share <= WHOLE && cut <= 1).then(|| join(share, cut == 1))
}

#[inline]
fn unpack(state: &Packed) -> Usage {
    Usage {
        count: state.amount,
        share: state.extra & ((1 << CUT) - 1),
        cut: state.extra >> CUT == 1,
    }
}
