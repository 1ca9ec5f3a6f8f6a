//! The encoding of states as bytes: a version, then each state. `kernel/state.lua` decodes it too.
//!
//! Numbers are big-endian doubles, which represent the numbers of all laws exactly (L3). Bytes that
//! are truncated, too long or anything else are no state.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::system::SystemClock;
use crate::rate::Rate;
use crate::store::plan::Plan;
use crate::strategy::kernel::log_entries::Entries;
use crate::strategy::kernel::mean_cost::Costs;
use crate::strategy::kernel::packed::{Kind, Packed};
use crate::strategy::kernel::state::{Listed, State};
use crate::strategy::kernel::tick::EXACT;
use crate::warnings;

/// The first byte of every encoding.
const VERSION: u8 = 2;
/// The first byte of a log, a mean, and a state of a custom strategy.
const LOG: u8 = 6;
const MEAN: u8 = 7;
const CUSTOM: u8 = 9;

/// The first byte of the end to which a refusal under another rate extends the state before it.
const UNTIL: u8 = 10;

/// The first byte of a state of a custom strategy with its incarnation.
const CUSTOM_NUMBERED: u8 = 11;

/// A bit in the power of ten of a state whose incarnation follows its first numbers. An incarnation
/// is any eight bytes, which refunds name (L32). Every state is written with one.
const NUMBERED: u8 = 16;

/// The offset of the incarnation in a state, and in a state of a custom strategy.
const NUMBER_OFFSET: usize = 34;
const CUSTOM_NUMBER_OFFSET: usize = 1;

/// Returns the incarnation of a state that is new: the microsecond, or the next one that no other
/// state of this process has.
pub(crate) fn next_incarnation() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = SystemClock::new().now_micros();
    let next = |last: u64| now.max(last + 1);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
        Some(next(last))
    });
    let (Ok(last) | Err(last)) = last;
    (next(last) as f64).to_bits()
}

/// Encodes a plan's state, which is a list. A state without an incarnation gets one.
pub(crate) fn encode(plan: &Plan<'_>, state: &State) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    let State::List(list) = state else {
        return bytes;
    };
    let mut next = None;
    for listed in list {
        let (rate, before) = ((listed.limit, listed.period), bytes.len());
        write_state(&mut bytes, plan, rate, &listed.state);
        if bytes.len() == before {
            continue;
        }
        let incarnation = match listed.incarnation {
            0 => *next.get_or_insert_with(next_incarnation),
            incarnation => incarnation,
        };
        let at = if bytes[before] == CUSTOM {
            bytes[before] = CUSTOM_NUMBERED;
            before + CUSTOM_NUMBER_OFFSET
        } else {
            bytes[before + 1] |= NUMBERED;
            before + NUMBER_OFFSET
        };
        drop(bytes.splice(at..at, incarnation.to_be_bytes()));
        write_until(&mut bytes, listed.until);
    }
    bytes
}

fn write_state(bytes: &mut Vec<u8>, plan: &Plan<'_>, (limit, period): (u64, u64), state: &State) {
    match state {
        State::Packed(_) if plan.is_custom() => {
            write_custom(bytes, plan.strategy.name(), (limit, period), None);
        }
        // A rate that has counted nothing has no state.
        State::List(_)
        | State::Packed(Packed {
            kind: Kind::Nothing,
            ..
        }) => {}
        State::Packed(packed) => write_packed(bytes, packed),
        State::Log(entries) => {
            let sum = entries.iter().map(|(_, cost)| cost).sum();
            write_head(bytes, (LOG, 0), [limit, entries.period(), 0, sum]);
            write_count(bytes, entries.iter().len());
            for (at, cost) in entries.iter() {
                write(bytes, at);
                write(bytes, cost);
            }
        }
        State::Mean(costs) => {
            let ((level, last, factor), (limit, period, tick)) = costs.numbers();
            let power = tick.max(1).ilog10() as u8;
            write_head(bytes, (MEAN, power), [limit, period, last, level]);
            let (costs, sum) = costs.costs();
            write(bytes, factor);
            write(bytes, sum.min(EXACT.into()) as u64);
            write_count(bytes, costs.len());
            for cost in costs {
                write(bytes, cost);
            }
        }
        State::Bytes(own) => {
            let name = plan.strategy.name();
            write_custom(bytes, name, (limit, period), own.as_deref());
        }
    }
}

fn write_until(bytes: &mut Vec<u8>, until: u64) {
    if until > 0 {
        bytes.push(UNTIL);
        write(bytes, until);
    }
}

/// Decodes a state at a moment, as a list. Bytes that are no state of the plan's are an empty list,
/// which is logged once. A state that had ended before its changed rate read it is left out (L30).
pub(crate) fn decode(plan: &Plan<'_>, bytes: &[u8], now: u64) -> State {
    let state = decode_whole(plan, bytes).unwrap_or_else(no_state);
    plan.living(Cow::Owned(state), now).into_owned()
}

/// The state of a key that a store does not have.
pub(crate) const fn no_state() -> State {
    State::List(Vec::new())
}

/// Decodes a state as it was written, each rate's state with its end.
pub(crate) fn decode_whole(plan: &Plan<'_>, bytes: &[u8]) -> Option<State> {
    let list = read(plan, bytes).filter(|list| !list.is_empty());
    if list.is_none() && !bytes.is_empty() {
        warnings::no_state(&plan.name);
    }
    list.map(State::List)
}

/// Returns the encoding and the time to live of a state with which a hit was refused, if the plan's
/// rates need it for longer than it would have lived (L30).
pub(crate) fn lengthened(plan: &Plan<'_>, bytes: &[u8], now: u64) -> Option<(Vec<u8>, Duration)> {
    let mut list = read(plan, bytes)?;
    if !plan.lengthen(&mut list, now) {
        return None;
    }
    let state = State::List(list);
    let until = plan.needed(&state, now).max(state.expires());
    let bytes = encode(plan, &state);
    Some((bytes, Duration::from_micros(until.saturating_sub(now))))
}

fn read(plan: &Plan<'_>, bytes: &[u8]) -> Option<Vec<Listed>> {
    let mut reader = Reader(bytes);
    (reader.byte()? == VERSION).then_some(())?;
    let mut list: Vec<Listed> = Vec::with_capacity(plan.limits.len());
    while !reader.0.is_empty() {
        let mut listed = reader.listed(plan.strategy.name())?;
        if reader.begins_with(UNTIL) {
            listed.until = reader.number()?;
        }
        list.push(listed);
    }
    Some(list)
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

fn write_custom(bytes: &mut Vec<u8>, name: &str, (limit, period): (u64, u64), own: Option<&[u8]>) {
    let own = own.unwrap_or_default();
    bytes.push(CUSTOM);
    write(bytes, limit);
    write(bytes, period);
    for part in [name.as_bytes(), own] {
        write_count(bytes, part.len());
        bytes.extend(part);
    }
}

/// The bytes that are still to be decoded.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// Reads a byte if it is this one. Returns `true` if it was.
    fn begins_with(&mut self, kind: u8) -> bool {
        let rest = self.0.strip_prefix(&[kind]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
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

    fn listed(&mut self, strategy: &str) -> Option<Listed> {
        let kind = self.byte()?;
        if kind == CUSTOM || kind == CUSTOM_NUMBERED {
            let incarnation = self.incarnation(kind == CUSTOM_NUMBERED)?;
            let (limit, period) = (self.number()?, self.number()?);
            let (name, own_state) = (self.part()?, self.part()?);
            let state = State::Bytes(Some(own_state.to_vec()));
            return (name == strategy.as_bytes()).then_some(Listed {
                limit,
                period,
                state,
                until: 0,
                incarnation,
            });
        }
        let (tick_power, limit) = (self.byte()?, self.number()?);
        let (period, at, amount) = (self.number()?, self.number()?, self.number()?);
        let incarnation = self.incarnation(tick_power >= NUMBERED)?;
        let tick_power = tick_power.checked_sub(NUMBERED).unwrap_or(tick_power);
        let least = 10_u64.checked_pow(tick_power.into())?;
        let possible = (least..=Rate::LONGEST_MICROS).contains(&period);
        if !possible || tick_power > 6 || limit == 0 {
            return None;
        }
        let state = match kind {
            LOG => State::Log(self.entries(period, amount)?),
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
        Some(Listed {
            limit,
            period,
            state,
            until: 0,
            incarnation,
        })
    }

    /// Reads the incarnation of a state if it has one, or returns 0.
    fn incarnation(&mut self, is_there: bool) -> Option<u64> {
        if !is_there {
            return Some(0);
        }
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn entries(&mut self, period: u64, sum: u64) -> Option<Entries> {
        let mut entries = VecDeque::new();
        for _ in 0..self.count()? {
            entries.push_back((self.number()?, self.number()?));
        }
        Entries::from_records(entries, period).filter(|entries| entries.sum() == sum)
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
        possible.then(|| Costs::from_numbers((level, last, factor), (limit, period, tick), costs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inline_vec::InlineVec1;
    use crate::store::key::Key;
    use crate::store::plan::{Limit, PlanLimits};
    use crate::strategy::Who;
    use crate::strategy::fixed_window::FixedWindow;
    use crate::strategy::kernel::Law;
    use crate::strategy::kernel::window::Window;

    const RATE: Rate = Rate::per_hour(10);

    fn plan() -> Plan<'static> {
        let law = Law::Window(Window::new(RATE));
        Plan {
            key: Key::root(),
            name: String::new(),
            strategy: &FixedWindow,
            limits: PlanLimits::Own(InlineVec1::from_iter([Limit { rate: RATE, law }])),
            cost: 1,
            who: Who::default(),
            lease: 0,
        }
    }

    /// A window of three hits at the epoch, without an incarnation.
    fn unnumbered() -> Vec<u8> {
        let mut bytes = vec![VERSION, 1, 0];
        for number in [10, RATE.period_micros(), 0, 3] {
            write(&mut bytes, number);
        }
        bytes
    }

    /// The window of [`unnumbered`], with an incarnation.
    fn numbered(number: u64) -> Vec<u8> {
        let mut bytes = unnumbered();
        bytes[2] += NUMBERED;
        [&bytes[..], &number.to_be_bytes()].concat()
    }

    fn only(state: &State) -> &Listed {
        match state {
            State::List(list) if list.len() == 1 => &list[0],
            other => panic!("one state instead of {other:?}"),
        }
    }

    #[test]
    fn numbers_a_state_once() {
        let plan = plan();
        let state = decode(&plan, &unnumbered(), 0);
        assert_eq!(
            (only(&state).state.packed().amount, only(&state).incarnation),
            (3, 0)
        );
        let bytes = encode(&plan, &state);
        assert_eq!(bytes, numbered(only(&decode(&plan, &bytes, 0)).incarnation));
        let numbered = decode(&plan, &bytes, 0);
        assert_eq!(only(&numbered).state, only(&state).state);
        assert_ne!(only(&numbered).incarnation, 0);
        assert_eq!(encode(&plan, &numbered), bytes);
    }

    #[test]
    fn reads_any_number_and_no_part_of_one() {
        let plan = plan();
        for number in [0_u64, 1, u64::MAX] {
            let whole = numbered(number);
            assert_eq!(only(&decode(&plan, &whole, 0)).incarnation, number);
            for cut in 0..whole.len() {
                assert_eq!(decode(&plan, &whole[..cut], 0), no_state(), "{cut}");
            }
            let longer = [&whole[..], &number.to_be_bytes()].concat();
            assert_eq!(decode(&plan, &longer, 0), no_state());
        }
    }

    #[test]
    fn numbers_no_two_states_alike() {
        let numbers: Vec<f64> = (0..10_000)
            .map(|_| f64::from_bits(next_incarnation()))
            .collect();
        assert!(numbers.is_sorted_by(|one, other| one < other));
    }
}
