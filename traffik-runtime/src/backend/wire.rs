//! How states are kept where they are bytes: a version, then each state; beside `kernel/state.lua`.
//!
//! Numbers are doubles, first byte first, which hold those of all laws exactly (L3). What is cut short, goes on too long,
//! or is something else is no state.

use std::collections::VecDeque;

use super::plan::Plan;
use crate::observe;
use crate::rate::Rate;
use crate::strategy::State;
use crate::strategy::kernel::{Costs, EXACT, Entries, Kind, Law, Listed, Packed};

const VERSION: u8 = 2;
const LOG: u8 = 6;
const MEAN: u8 = 7;
const OWN: u8 = 9;

/// What a plan's state is kept as.
pub(crate) fn encode(plan: &Plan<'_>, state: &State) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for (term, state) in plan.terms.iter().zip(plan.seen(state)) {
        let (limit, period) = (term.rate.limit(), term.rate.period_micros());
        match state {
            State::Packed(_) if term.law == Law::Custom => {
                write_own(&mut bytes, plan.strategy.name(), period, None);
            }
            // A rate that has counted nothing yet has no state to be found again.
            State::List(_)
            | State::Packed(Packed {
                kind: Kind::Nothing,
                ..
            }) => {}
            State::Packed(packed) => write_packed(&mut bytes, packed),
            State::Log(entries) => {
                let sum = entries.iter().map(|(_, cost)| cost).sum();
                write_head(&mut bytes, (LOG, 0), [limit, period, 0, sum]);
                write_count(&mut bytes, entries.iter().len());
                for (at, cost) in entries.iter() {
                    write(&mut bytes, at);
                    write(&mut bytes, cost);
                }
            }
            State::Mean(costs) => {
                let ((level, last, factor), (limit, period, tick)) = costs.numbers();
                let power = tick.max(1).ilog10() as u8;
                write_head(&mut bytes, (MEAN, power), [limit, period, last, level]);
                let (costs, sum) = costs.costs();
                write(&mut bytes, factor);
                write(&mut bytes, sum.min(EXACT.into()) as u64);
                write_count(&mut bytes, costs.len());
                for cost in costs {
                    write(&mut bytes, cost);
                }
            }
            State::Bytes(own) => {
                write_own(&mut bytes, plan.strategy.name(), period, own.as_deref());
            }
        }
    }
    bytes
}

/// The state that is kept as this; nothing if it is no state of the plan's, which is told once.
pub(crate) fn decode(plan: &Plan<'_>, bytes: &[u8]) -> Option<State> {
    let state = read(plan, bytes);
    if state.is_none() && !bytes.is_empty() {
        observe::no_state(&plan.name);
    }
    state
}

fn read(plan: &Plan<'_>, bytes: &[u8]) -> Option<State> {
    let mut reader = Reader(bytes);
    (reader.byte()? == VERSION).then_some(())?;
    let mut list = Vec::with_capacity(plan.terms.len());
    while !reader.0.is_empty() {
        list.push(reader.listed(plan.strategy.name())?);
    }
    if let ([_], [_]) = (&*plan.terms, &*list) {
        return list.pop().map(|listed| listed.state);
    }
    (!list.is_empty()).then_some(State::List(list))
}

fn write(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend((number as f64).to_be_bytes());
}

fn write_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend((count as u32).to_be_bytes());
}

fn write_head(bytes: &mut Vec<u8>, (kind, power): (u8, u8), numbers: [u64; 4]) {
    bytes.extend([kind, power]);
    for number in numbers {
        write(bytes, number);
    }
}

fn write_packed(bytes: &mut Vec<u8>, packed: &Packed) {
    let amounts = packed.amounts();
    let head = (packed.kind as u8, packed.tick_power);
    let Packed {
        limit, period, at, ..
    } = *packed;
    write_head(bytes, head, [limit, period, at, amounts[0]]);
    for amount in &amounts[1..] {
        write(bytes, *amount);
    }
}

fn write_own(bytes: &mut Vec<u8>, name: &str, period: u64, own: Option<&[u8]>) {
    let own = own.unwrap_or_default();
    bytes.push(OWN);
    write(bytes, period);
    for part in [name.as_bytes(), own] {
        write_count(bytes, part.len());
        bytes.extend(part);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn count(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    fn number(&mut self) -> Option<u64> {
        let number = f64::from_be_bytes(self.take(8)?.try_into().ok()?);
        let whole = number.fract() == 0.0 && (0.0..=EXACT as f64).contains(&number);
        #[expect(clippy::cast_sign_loss, reason = "it is not negative")]
        whole.then_some(number as u64)
    }

    fn part(&mut self) -> Option<&'a [u8]> {
        let count = self.count()?;
        self.take(count as usize)
    }

    fn listed(&mut self, own: &str) -> Option<Listed> {
        let kind = self.byte()?;
        if kind == OWN {
            let (period, name, own_state) = (self.number()?, self.part()?, self.part()?);
            let state = State::Bytes(Some(own_state.to_vec()));
            return (name == own.as_bytes()).then_some(Listed { period, state });
        }
        let (tick_power, limit) = (self.byte()?, self.number()?);
        let (period, at, amount) = (self.number()?, self.number()?, self.number()?);
        let least = 10_u64.checked_pow(tick_power.into())?;
        let possible = (least..=Rate::LONGEST_MICROS).contains(&period);
        if !possible || tick_power > 6 || limit == 0 {
            return None;
        }
        let state = match kind {
            LOG => State::Log(self.entries(amount)?),
            MEAN => State::Mean(self.costs((limit, period, tick_power), (amount, at))?),
            kind => {
                let kind = Kind::numbered(kind);
                let more = match kind {
                    Kind::Counter | Kind::Rollover => 1,
                    Kind::Adaptive => 2,
                    _ => 0,
                };
                let mut amounts = vec![amount];
                for _ in 0..more {
                    amounts.push(self.number()?);
                }
                let packed = Packed {
                    kind,
                    tick_power,
                    limit,
                    period,
                    at,
                    amount,
                    extra: 0,
                };
                State::Packed(packed.counting(&amounts)?)
            }
        };
        Some(Listed { period, state })
    }

    fn entries(&mut self, sum: u64) -> Option<Entries> {
        let mut entries = VecDeque::new();
        for _ in 0..self.count()? {
            entries.push_back((self.number()?, self.number()?));
        }
        Entries::of(entries).filter(|entries| entries.sum() == sum)
    }

    fn costs(&mut self, rate: (u64, u64, u8), level: (u64, u64)) -> Option<Costs> {
        let ((limit, period, power), (level, last)) = (rate, level);
        let (factor, sum) = (self.number()?, self.number()?);
        let mut costs = VecDeque::new();
        for _ in 0..self.count()? {
            costs.push_back(self.number()?);
        }
        let tick = 10_u64.checked_pow(power.into())?;
        let possible = !costs.is_empty() && costs.iter().all(|cost| *cost > 0);
        let possible = possible && (1..=1_000).contains(&factor);
        let total: u128 = costs.iter().map(|cost| u128::from(*cost)).sum();
        let possible = possible && total.min(EXACT.into()) == u128::from(sum);
        possible.then(|| Costs::of((level, last, factor), (limit, period, tick), costs))
    }
}
