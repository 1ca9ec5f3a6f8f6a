use std::time::Duration;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::factor::Factor;
#[cfg(feature = "engine")]
use crate::strategy::kernel::Kernel;
use crate::strategy::kernel::packed::{Kind, Packed};
#[cfg(feature = "engine")]
use crate::strategy::kernel::tick::EXACT;
#[cfg(feature = "redis")]
use crate::strategy::kernel::tick::NOTHING;

/// A count in windows aligned to the epoch, whose limit is cut when use is high, and comes back window by window when it
/// is calm (L22 – L24): additive increase, multiplicative decrease, as TCP's congestion control has it (Chiu and Jain, 1989).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adaptive {
    limit: u64,
    period: u64,
    tuning: Tuning,
    /// The largest count that is not above the threshold.
    calm: u64,
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
pub(crate) struct Standing {
    start: u64,
    taken: Taken,
    ends: Ends,
}

/// What a state counts.
#[derive(Clone, Copy)]
struct Taken {
    count: u64,
    /// What is left of the limit, in millionths.
    share: u64,
    /// Whether it was cut in this window.
    cut: bool,
}

/// When windows end: those of the period that a state was written under, as long as nothing is written under another (L30).
#[derive(Clone, Copy)]
struct Ends {
    first: u64,
    period: u64,
}

const WHOLE: u64 = Factor::ONE.in_millionths();

impl Adaptive {
    /// The law of a rate.
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

    /// The largest cost that a window without a cut takes.
    pub const fn max_cost(&self) -> u64 {
        self.limit
    }

    /// The limit in force and what was taken of it, at a time.
    pub fn in_force(&self, state: &Packed, now: u64) -> (u64, u64) {
        let Taken { count, share, .. } = self.standing(state, now).taken;
        (self.limit_at(share), count)
    }

    pub(crate) fn decide(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        let standing = self.standing(state, now);
        let taken = self.taken(standing.taken, cost)?;
        Some(self.with(standing.start, taken))
    }

    /// What is counted after a hit, if the law admits it.
    #[inline]
    fn taken(&self, before: Taken, cost: u64) -> Option<Taken> {
        let count = before.count.checked_add(cost)?;
        (count <= self.limit_at(before.share)).then(|| self.counted(before, count))
    }

    /// Takes a cost, whether there is room or not (L32).
    #[cfg(feature = "engine")]
    pub(super) fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed {
        let Standing { start, taken, .. } = self.standing(state, now);
        let count = taken.count.saturating_add(cost).min(EXACT);
        self.with(start, self.counted(taken, count))
    }

    /// What is counted when this much is taken, which may cut the limit.
    #[inline]
    fn counted(&self, before: Taken, count: u64) -> Taken {
        if before.cut || !self.loaded.unwrap_or(count > self.calm) {
            return Taken { count, ..before };
        }
        let reduced = self.tuning.reduction.of(before.share);
        Taken {
            count,
            share: reduced.max(self.tuning.least.in_millionths()),
            cut: true,
        }
    }

    pub(crate) fn report(&self, state: &Packed, now: u64, cost: u64) -> Report {
        self.report_of(&self.standing(state, now), now, cost)
    }

    #[inline(always)]
    fn report_of(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        let Standing { taken, ends, .. } = *standing;
        let limit = self.limit_at(taken.share);
        let remaining = limit.saturating_sub(taken.count);
        let first = Duration::from_micros(ends.first - now);
        let after = |windows: u64| match windows {
            1 => first,
            _ => first + ends.later(windows - 1),
        };
        let next = self.windows_until(taken, remaining + 1).map(after);
        Report {
            limit,
            remaining,
            wait: if cost <= remaining {
                Some(Duration::ZERO)
            } else if cost == remaining + 1 {
                next
            } else {
                self.windows_until(taken, cost).map(after)
            },
            next,
            reset: if taken.count == 0 && taken.share == WHOLE {
                Duration::ZERO
            } else {
                after(self.windows_until_share(taken, WHOLE))
            },
            delay: Duration::ZERO,
        }
    }

    fn limit_at(&self, share: u64) -> u64 {
        Factor::millionths(share).of(self.limit)
    }

    /// After how many windows, if they are calm, the limit in force is at least a cost.
    #[inline]
    fn windows_until(&self, taken: Taken, cost: u64) -> Option<u64> {
        if cost > self.limit {
            return None;
        }
        if taken.share == WHOLE {
            return Some(1);
        }
        let share = match cost.checked_mul(WHOLE) {
            Some(product) => product.div_ceil(self.limit),
            // At most the whole, since the cost is at most the limit.
            None => (u128::from(cost) * u128::from(WHOLE)).div_ceil(u128::from(self.limit)) as u64,
        };
        Some(self.windows_until_share(taken, share))
    }

    #[inline]
    fn windows_until_share(&self, taken: Taken, share: u64) -> u64 {
        // Shares have 20 bits, and to divide few takes less long.
        let missing = share.saturating_sub(taken.share) as u32;
        if missing == 0 {
            return 1;
        }
        let recovery = self.tuning.recovery.in_millionths() as u32;
        u64::from(missing.div_ceil(recovery)) + u64::from(taken.cut)
    }

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
            taken: written,
            ends: Ends {
                first: state.at + period,
                period,
            },
        }
    }

    /// A window of which nothing was taken yet.
    fn fresh(&self, at: u64) -> Standing {
        let start = at - at % self.period;
        Standing {
            start,
            taken: Taken {
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

    /// A window of now of which all that is left of the limit was taken.
    #[cold]
    fn full(&self, written: Taken, now: u64) -> Standing {
        Standing {
            taken: Taken {
                count: self.limit_at(written.share),
                ..written
            },
            ..self.fresh(now)
        }
    }

    /// The same after windows that brought something back.
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
            taken: Taken {
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
    fn with(&self, start: u64, Taken { count, share, cut }: Taken) -> Packed {
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
        let Taken { count, share, cut } = unpack(state);
        [count, share, cut.into()]
    }

    /// Returns the count, scaled from the limit in force to the whole one: it reaches the whole limit exactly if nothing is
    /// left of the one in force.
    #[cfg(feature = "engine")]
    pub(super) fn used(state: &Packed) -> u64 {
        let Taken { count, share, .. } = unpack(state);
        let scaled = ((u128::from(count) + 1) * u128::from(WHOLE) - 1) / u128::from(share.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

impl Ends {
    /// How long so many windows last.
    #[inline]
    fn later(self, windows: u64) -> Duration {
        match self.period.checked_mul(windows) {
            Some(micros) => Duration::from_micros(micros),
            None => Duration::from_micros(self.period) * windows as u32,
        }
    }
}

#[cfg(feature = "engine")]
impl Kernel for Adaptive {
    type Standing = Standing;

    #[inline(always)]
    fn standing(&self, state: &Packed, now: u64) -> Standing {
        self.standing(state, now)
    }

    #[inline(always)]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed> {
        let is_ahead = state.at.saturating_sub(now) > self.period;
        (is_ahead && state.kind == Kind::Adaptive).then(|| {
            let Standing { start, taken, .. } = self.full(unpack(state), now);
            self.with(start, taken)
        })
    }

    #[inline(always)]
    fn admit(&self, standing: &Standing, _: u64, cost: u64) -> Option<(Standing, Packed)> {
        let taken = self.taken(standing.taken, cost)?;
        let after = Standing {
            taken,
            ends: Ends {
                first: standing.start + self.period,
                period: self.period,
            },
            ..*standing
        };
        Some((after, self.with(standing.start, taken)))
    }

    #[inline(always)]
    fn report(&self, standing: &Standing, now: u64, cost: u64) -> Report {
        self.report_of(standing, now, cost)
    }
}

/// A share takes 20 bits, and a cut the one above them.
const CUT: u32 = 20;

#[inline]
fn join(share: u64, cut: bool) -> u64 {
    share | u64::from(cut) << CUT
}

/// The share and the cut as a state has them, if they can be one's.
#[cfg(feature = "engine")]
pub(super) fn pack(share: u64, cut: u64) -> Option<u64> {
    (share <= WHOLE && cut <= 1).then(|| join(share, cut == 1))
}

#[inline]
fn unpack(state: &Packed) -> Taken {
    Taken {
        count: state.amount,
        share: state.extra & ((1 << CUT) - 1),
        cut: state.extra >> CUT == 1,
    }
}
