//! The promises that are checked when a run has ended, against its account.

use std::collections::BTreeMap;

use super::account::{Account, Call, Execution, KeyId, Outcome, Promise};
use super::laws::{LIMITS, Strategy};
use super::world::World;

/// The time limit of an operation, in microseconds.
const TIMEOUT: u64 = 250_000;

/// How much later than its time limit a call may end: the ticks of a process and of its timers, and
/// what a slow clock adds.
const LATENESS: u64 = 12_000;

/// Checks a run that has ended.
pub(super) fn check(world: &World) {
    let mut account = world.desk.account();
    for process in world.stuck() {
        let text = format!("tasks of process {process} have not ended");
        account.violate(Promise::Timeout, text);
    }
    for place in 0..account.calls.len() {
        let call = account.calls[place].clone();
        check_time(world, &call, &mut account);
        check_answer(&call, &mut account);
    }
    check_limits(&mut account);
    check_refunds(&mut account);
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

/// The answer to a call is the one to its own execution.
fn check_answer(call: &Call, account: &mut Account) {
    let executions: Vec<Option<Execution>> = call
        .keys()
        .map(|id| account.executions.get(&(id, call.cost))?.first().copied())
        .collect();
    let is_counted = |it: &Option<Execution>| it.is_some_and(|it| it.admitted);
    let is_refused = |it: &Option<Execution>| it.is_some_and(|it| !it.admitted);
    match call.outcome {
        Outcome::Admitted { remaining } => {
            let least = executions.iter().filter_map(|it| (*it)?.remaining).min();
            // Only windows are read by this account. Another law of the set may leave less.
            let is_right = match least {
                Some(least) if executions.len() == 1 => least == remaining,
                Some(least) => least >= remaining,
                None => true,
            };
            if !executions.iter().all(is_counted) || !is_right {
                let text = format!("{call:?} was executed as {executions:?}");
                account.violate(Promise::OwnAnswer, text);
            }
        }
        Outcome::Refused if !executions.iter().all(is_refused) => {
            let text = format!("{call:?} was executed as {executions:?}");
            account.violate(Promise::OwnAnswer, text);
        }
        Outcome::Failed {
            may_have_counted: false,
        } if executions.iter().any(is_counted) => {
            account.violate(Promise::Ambiguity, format!("{call:?} was counted"));
        }
        _ => {}
    }
}

/// The units that callers have used, by the time of the server, never exceed the worst case.
fn check_limits(account: &mut Account) {
    let mut used: BTreeMap<KeyId, Vec<(u64, u64)>> = BTreeMap::new();
    for call in account.calls.iter().filter(|call| call.used > 0) {
        for id in call.keys() {
            if let Some([first, ..]) = account.executions.get(&(id, call.cost)).map(|it| &**it) {
                used.entry(id).or_default().push((first.at, call.used));
            }
        }
    }
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
        for periods in [1, 2] {
            let largest = hits.iter().map(|(_, units)| *units).max().unwrap_or(0);
            let max = limit.worst_case(periods, largest.max(1));
            let (most, from) = densest(&hits, periods * limit.period);
            if most > max {
                let text = format!("{id:?} was admitted {most} of {max} from {from} on: {hits:?}");
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

/// In a window no more comes back than callers have left unused.
fn check_refunds(account: &mut Account) {
    let mut unused: BTreeMap<(KeyId, u64), u64> = BTreeMap::new();
    for call in &account.calls {
        for id in call.keys() {
            let executions = account.executions.get(&(id, call.cost));
            for execution in executions.into_iter().flatten().filter(|it| it.admitted) {
                let window = execution.at - execution.at % LIMITS[id.limit].period;
                *unused.entry((id, window)).or_default() += call.cost - call.used;
            }
        }
    }
    let refunds = std::mem::take(&mut account.refunds);
    for ((id, window), refund) in &refunds {
        let unused = unused.get(&(*id, *window)).copied().unwrap_or_default();
        if *refund > unused {
            let text = format!("{id:?} got {refund} back in window {window}, of {unused} unused");
            account.violate(Promise::Refund, text);
        }
    }
    account.refunds = refunds;
}

/// Nothing that callers have used is forgotten. Where nothing fails, everything else has come back.
fn check_waste(world: &World, account: &mut Account) {
    let mut used: BTreeMap<KeyId, (u64, u64)> = BTreeMap::new();
    for call in &account.calls {
        for id in call.keys().filter(|id| LIMITS[id.limit].uid == "sim-hour") {
            let executions = account
                .executions
                .get(&(id, call.cost))
                .into_iter()
                .flatten();
            let counted = executions.filter(|it| it.admitted).count() as u64 * call.cost;
            let (used, may_be_counted) = used.entry(id).or_default();
            *used += call.used;
            *may_be_counted += counted;
        }
    }
    for (id, (used, may_be_counted)) in used {
        let most = if world.weather.is_fine() {
            used
        } else {
            may_be_counted
        };
        let count = world.server.count(id);
        if !(used..=most).contains(&count) {
            let text = format!("{id:?} has a count of {count}, not {used} to {most}");
            account.violate(Promise::Waste, text);
        }
    }
}
