//! The promises that are checked when a run has ended, against its account.

use std::collections::BTreeMap;

use super::account::{Account, Call, Execution, KeyId, Outcome, Promise};
use super::laws::{LIMITS, Strategy};
use super::world::World;

/// The time limit of an operation, in microseconds.
const TIMEOUT: u64 = 250_000;

/// The time after its time limit at which a call may end: the ticks of a process and of its timers,
/// and the lateness of a slow clock.
const LATENESS: u64 = 12_000;

/// Checks a run that has ended.
pub(super) fn check(world: &World) {
    let mut account = world.desk.account();
    for process in world.stuck() {
        let text = format!("tasks of process {process} have not ended");
        account.violate(Promise::Timeout, text);
    }
    // The first to end chooses first among executions. So each has a match, if there is one.
    let mut order: Vec<usize> = (0..account.calls.len()).collect();
    order.sort_by_key(|place| account.calls[*place].ended);
    // The time of the server at which the units of a call were counted for its caller.
    let mut times = vec![None; order.len()];
    for place in order {
        let call = account.calls[place].clone();
        check_time(world, &call, &mut account);
        times[place] = check_answer(world, &call, &mut account);
    }
    check_limits(world, &times, &mut account);
    check_refunds(&times, &mut account);
    check_waste(world, &mut account);
}

/// A call ends within its time limit, if its process runs.
fn check_time(world: &World, call: &Call, account: &mut Account) {
    let Some(ended) = call.ended else { return };
    let pauses = world.pauses(call.process).iter();
    let overlap = |(from, to): &(u64, u64)| ended.min(*to).saturating_sub(call.begun.max(*from));
    let paused: u64 = pauses.map(overlap).sum();
    let took = ended - call.begun - paused;
    if took > TIMEOUT + LATENESS {
        account.violate(Promise::Timeout, format!("{call:?} took {took} µs"));
    }
}

/// The answer to a call is the one to its own execution. Returns the time at which its units were
/// counted for its caller.
fn check_answer(world: &World, call: &Call, account: &mut Account) -> Option<u64> {
    let ended = world.server.time(call.ended.unwrap_or_default());
    match call.outcome {
        Outcome::AdmittedByLease => Some(ended),
        Outcome::Admitted { .. } | Outcome::Refused => {
            let from = world.server.time(call.begun);
            let at = matching_execution(call, (from, ended), account);
            if at.is_none() {
                let text = format!("{call:?} was not executed so");
                account.violate(Promise::OwnAnswer, text);
            }
            at.filter(|_| call.outcome != Outcome::Refused)
        }
        Outcome::Failed {
            may_have_counted: false,
        } if world.weather.lease == 0 => {
            let mut executions = call
                .keys()
                .map(|id| account.executions.get(&(id, call.cost)));
            if executions.any(|it| it.into_iter().flatten().any(|it| it.admitted)) {
                account.violate(Promise::Ambiguity, format!("{call:?} was counted"));
            }
            None
        }
        _ => None,
    }
}

/// Finds the execution of a call in a stretch of time, for each of its keys, and returns its time.
fn matching_execution(
    call: &Call,
    (from, until): (u64, u64),
    account: &mut Account,
) -> Option<u64> {
    let keys: Vec<KeyId> = call.keys().collect();
    let mut at = None;
    for id in &keys {
        let executions = account.executions.get_mut(&(*id, call.cost))?;
        let first = executions.partition_point(|it| it.at < from);
        let mut during = executions[first..]
            .iter_mut()
            .take_while(|it| it.at <= until);
        let execution = during.find(|it| answers(it, call, keys.len() > 1))?;
        execution.is_matched = true;
        at = Some(execution.at);
    }
    at
}

/// Returns `true` if the answer to a call can come from an execution. This account reads windows
/// only: another law of a set may leave less. Where costs are not unique, the other one may have to
/// be matched with another execution.
fn answers(execution: &Execution, call: &Call, is_set: bool) -> bool {
    match call.outcome {
        Outcome::Admitted { remaining } => {
            let is_right =
                |least| least == remaining || is_set && (least >= remaining || !call.is_unique);
            execution.admitted && !execution.is_matched && execution.remaining.is_none_or(is_right)
        }
        _ => !execution.admitted,
    }
}

/// The units that callers have used, by the time of the server, never exceed the worst case. With
/// leases, they may be used later than they were counted, but not in another window.
fn check_limits(world: &World, times: &[Option<u64>], account: &mut Account) {
    let mut used: BTreeMap<KeyId, Vec<(u64, u64)>> = BTreeMap::new();
    for (call, at) in account.calls.iter().zip(times) {
        for id in call.keys().filter(|_| call.used > 0) {
            let hits = used.entry(id).or_default();
            hits.extend(at.map(|at| (at, call.used)));
        }
    }
    // Clocks of processes have another pace than that of the server.
    let lease = world.weather.lease + world.weather.lease.div_ceil(500);
    for (id, mut hits) in used {
        hits.sort_unstable();
        let limit = &LIMITS[id.limit];
        if limit.strategy == Strategy::Window {
            let mut windows: BTreeMap<u64, u64> = BTreeMap::new();
            for (at, units) in &hits {
                *windows.entry(at / limit.period).or_default() += units;
            }
            let over = windows.into_iter().find(|(_, units)| *units > limit.units);
            if let Some((window, units)) = over {
                let text = format!("{id:?} was admitted {units} in window {window}: {hits:?}");
                account.violate(Promise::Limit, text);
            }
            continue;
        }
        for length in [limit.period / 3, limit.period, 2 * limit.period] {
            let largest = hits.iter().map(|(_, units)| *units).max().unwrap_or(0);
            let max = limit.worst_case(length + lease, largest.max(1));
            let (densest, from) = densest(&hits, length);
            if densest > max {
                let text = format!("{id:?} was admitted {densest} of {max} from {from}: {hits:?}");
                account.violate(Promise::Limit, text);
            }
        }
    }
}

/// Returns the greatest sum in a half-open stretch of this length, and the stretch's start.
fn densest(hits: &[(u64, u64)], length: u64) -> (u64, u64) {
    let (mut first, mut sum, mut densest) = (0, 0, (0, 0));
    for (at, units) in hits {
        sum += units;
        while hits[first].0 + length <= *at {
            sum -= hits[first].1;
            first += 1;
        }
        densest = densest.max((sum, hits[first].0));
    }
    densest
}

/// In a window no more comes back than was counted there and is not used.
fn check_refunds(times: &[Option<u64>], account: &mut Account) {
    let window = |id: KeyId, at: u64| (id, at - at % LIMITS[id.limit].period);
    let mut counted: BTreeMap<(KeyId, u64), u64> = BTreeMap::new();
    for ((id, cost), executions) in &account.executions {
        for execution in executions.iter().filter(|it| it.admitted) {
            *counted.entry(window(*id, execution.at)).or_default() += cost;
        }
    }
    let mut used: BTreeMap<(KeyId, u64), u64> = BTreeMap::new();
    for (call, at) in account.calls.iter().zip(times) {
        for id in call.keys() {
            if let Some(at) = at {
                *used.entry(window(id, *at)).or_default() += call.used;
            }
        }
    }
    let sum = |sums: &BTreeMap<_, u64>, key| sums.get(key).copied().unwrap_or_default();
    let refunds = std::mem::take(&mut account.refunds);
    for (key, refund) in &refunds {
        let (counted, used) = (sum(&counted, key), sum(&used, key));
        if used + refund > counted {
            let text = format!("{key:?}: of {counted} units {used} are used, {refund} came back");
            account.violate(Promise::Refund, text);
        }
    }
    account.refunds = refunds;
}

/// Nothing that callers have used is forgotten. Where nothing fails, everything else has come back.
fn check_waste(world: &World, account: &mut Account) {
    let is_hour = |id: &KeyId| LIMITS[id.limit].uid == "sim-hour";
    let mut used: BTreeMap<KeyId, (u64, u64)> = BTreeMap::new();
    for call in &account.calls {
        for id in call.keys().filter(is_hour) {
            used.entry(id).or_default().0 += call.used;
        }
    }
    for ((id, cost), executions) in &account.executions {
        if is_hour(id) {
            let admitted = executions.iter().filter(|it| it.admitted).count() as u64;
            used.entry(*id).or_default().1 += admitted * cost;
        }
    }
    for (id, (used, may_be_counted)) in used {
        let greatest = if world.weather.is_fine() {
            used
        } else {
            may_be_counted
        };
        let count = world.server.count(id);
        if !(used..=greatest).contains(&count) {
            let text = format!("{id:?} has a count of {count}, not {used} to {greatest}");
            account.violate(Promise::Waste, text);
        }
    }
}
