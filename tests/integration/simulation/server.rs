//! The simulated Redis server: it runs the real scripts, and checks what each of them does.

use std::collections::BTreeMap;

use super::account::{Account, Execution, KeyId, Promise};
use super::groups;
use super::groups::{Group, PlanArguments};
use super::laws::{LIMITS, Strategy};
use super::sabotage::Sabotage;
use super::scripts::{ScriptReply, Scripts};
use super::wire;

/// The length of the head of a group's first value: if it was admitted, and the time.
const HEAD: usize = 9;

/// A server.
pub(super) struct Server {
    scripts: Scripts,
    /// The hash of the script that decides.
    decides: String,
    /// The hash of the script that replaces states.
    replaces: String,
    /// The arguments with which each key was last decided.
    latest: BTreeMap<KeyId, Latest>,
    /// The time of the server at the beginning of the simulation.
    epoch: u64,
    /// Set if processes take leases, so that a cost does not name a hit.
    has_leases: bool,
    sabotage: Option<Sabotage>,
    /// The number of calls that decide.
    pub(super) decisions: u64,
    /// The number of groups in calls with several of them.
    pub(super) batched: u64,
}

/// The arguments with which a key was last decided.
struct Latest {
    name: Vec<u8>,
    laws: Vec<u8>,
    /// The place of its law.
    law: u32,
}

impl Server {
    pub(super) fn new(epoch: u64, has_leases: bool, sabotage: Option<Sabotage>) -> Self {
        Self {
            scripts: Scripts::new().expect("Lua works"),
            decides: String::new(),
            replaces: String::new(),
            latest: BTreeMap::new(),
            epoch,
            has_leases,
            sabotage,
            decisions: 0,
            batched: 0,
        }
    }

    /// Returns the time of the server at a time of the simulation.
    pub(super) const fn time(&self, now: u64) -> u64 {
        self.epoch + now
    }

    /// Forgets all scripts, as `SCRIPT FLUSH` or a restart does.
    pub(super) fn flush_scripts(&mut self) {
        self.scripts.flush();
    }

    /// Executes a command at a time of the simulation, and writes its reply.
    pub(super) fn execute(
        &mut self,
        now: u64,
        words: &[Vec<u8>],
        account: &mut Account,
        out: &mut Vec<u8>,
    ) {
        self.scripts.keyspace.borrow_mut().now = self.epoch + now;
        let word = |place: usize| words.get(place).map_or("", |word| text(word));
        match word(0) {
            "PING" => out.extend(b"+PONG\r\n"),
            "CLIENT" => out.extend(b"+OK\r\n"),
            "INFO" => wire::write_bytes(b"maxmemory_policy:noeviction\r\n", out),
            "SCRIPT" => wire::write_bytes(self.load(word(2)).as_bytes(), out),
            "EVALSHA" => self.run(word(1), now, &words[2..], account, out),
            "EVAL" => {
                let hash = self.load(word(1));
                self.run(&hash, now, &words[2..], account, out);
            }
            name => panic!("the simulated server does not know {name}"),
        }
    }

    fn load(&mut self, source: &str) -> String {
        let hash = self.scripts.load(source).expect("scripts are valid");
        if source.contains("Decides groups of plans") {
            self.decides.clone_from(&hash);
        } else if source.contains("ARGV[3 * place]") {
            self.replaces.clone_from(&hash);
        }
        hash
    }

    fn run(
        &mut self,
        hash: &str,
        now: u64,
        words: &[Vec<u8>],
        account: &mut Account,
        out: &mut Vec<u8>,
    ) {
        let count: usize = text(&words[0]).parse().expect("a number of keys");
        let (keys, arguments) = words[1..].split_at(count);
        let reply = if hash == self.decides {
            self.decide(keys, arguments, account)
        } else if hash == self.replaces {
            self.replace(keys, arguments, now, account)
        } else {
            self.scripts.run(hash, keys, arguments)
        };
        match reply {
            Some(reply) => wire::write(&reply, out),
            None => out.extend(b"-NOSCRIPT No matching script. Please use EVAL.\r\n"),
        }
        for key in std::mem::take(&mut self.scripts.keyspace.borrow_mut().endless) {
            let text = format!("{} has no time to live", text(&key));
            account.violate(Promise::TimeToLive, text);
        }
    }

    /// Runs the script that decides, and records what it has decided.
    fn decide(
        &mut self,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
        account: &mut Account,
    ) -> Option<ScriptReply> {
        let entry = |key: &Vec<u8>| self.scripts.keyspace.borrow().get(key).cloned();
        let before: Vec<_> = keys.iter().map(entry).collect();
        let reply = self.scripts.run(&self.decides, keys, arguments)?;
        let groups = groups::read(&arguments[1]);
        self.decisions += 1;
        if groups.len() > 1 {
            self.batched += groups.len() as u64;
        }
        let values = values(&reply);
        let ids: Vec<_> = keys
            .iter()
            .map(|key| KeyId::parse(key).expect("a key"))
            .collect();
        let mut changed = vec![false; keys.len()];
        let first = |place: usize| ids.iter().position(|other| *other == ids[place]);
        let mut place = 0;
        for group in &groups {
            let group = match group {
                Group::Decide(plans) => plans,
                Group::Refund(units, at) => {
                    self.record_refund(ids[place], *units, *at, account);
                    changed[first(place).unwrap_or(place)] = true;
                    place += 1;
                    continue;
                }
            };
            let admitted = values[place].first() == Some(&1);
            for (index, plan) in group.iter().enumerate() {
                let id = ids[place];
                if plan.cost > 0 {
                    let head = if index == 0 { HEAD } else { 0 };
                    let state = values[place].get(head..).unwrap_or_default();
                    self.record(id, *plan, admitted, state, account);
                    // A lease may have a law of its own, and follows a hit.
                    self.latest.entry(id).or_insert_with(|| Latest {
                        name: keys[place].clone(),
                        laws: arguments[0].clone(),
                        law: plan.law,
                    });
                    changed[first(place).unwrap_or(place)] |= admitted;
                }
                place += 1;
            }
        }
        if let Some(sabotage) = self.sabotage {
            sabotage.after_decision(&mut self.scripts.keyspace.borrow_mut(), keys, &before);
        }
        for (place, key) in keys.iter().enumerate() {
            let is_changed = first(place).is_some_and(|first| changed[first]);
            if !is_changed && self.scripts.keyspace.borrow().get(key) != before[place].as_ref() {
                let text = format!("{:?} was refused, and changed", ids[place]);
                account.violate(Promise::RefusalWritesNothing, text);
            }
        }
        if self.sabotage == Some(Sabotage::ExecutesTwice) && self.decisions.is_multiple_of(20) {
            self.sabotage = None;
            self.decide(keys, arguments, account);
            self.sabotage = Some(Sabotage::ExecutesTwice);
        }
        Some(match self.sabotage {
            Some(sabotage) => sabotage.reply(reply),
            None => reply,
        })
    }

    fn record(
        &self,
        id: KeyId,
        plan: PlanArguments,
        admitted: bool,
        state: &[u8],
        account: &mut Account,
    ) {
        let limit = &LIMITS[id.limit];
        let window = groups::window(state).filter(|_| limit.strategy == Strategy::Window);
        let remaining = window.map(|(_, count)| limit.units.saturating_sub(count));
        let executions = account.executions.entry((id, plan.cost)).or_default();
        executions.push(Execution {
            at: self.scripts.keyspace.borrow().now,
            admitted,
            remaining: remaining.filter(|_| admitted),
            is_matched: false,
        });
        if executions.len() > 1 && !self.has_leases {
            let text = format!("{id:?} at the cost {}: {executions:?}", plan.cost);
            account.violate(Promise::Once, text);
        }
    }

    /// Records the refund of units that were counted at some time.
    fn record_refund(&self, id: KeyId, units: u64, at: u64, account: &mut Account) {
        let now = self.scripts.keyspace.borrow().now;
        account.last_change.insert(id, now - self.epoch);
        let limit = &LIMITS[id.limit];
        let start = at - at % limit.period;
        if limit.strategy == Strategy::Window && now < start + limit.period {
            *account.refunds.entry((id, start)).or_default() += units;
        }
    }

    /// Runs the script that replaces states, and records what it has given back.
    fn replace(
        &self,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
        now: u64,
        account: &mut Account,
    ) -> Option<ScriptReply> {
        let mut arguments = arguments.to_vec();
        match self.sabotage {
            Some(Sabotage::LosesRefunds) => return Some(ScriptReply::Number(1)),
            Some(Sabotage::RefundsTwice) => arguments.chunks_exact_mut(3).for_each(refund_twice),
            _ => {}
        }
        let reply = self.scripts.run(&self.replaces, keys, &arguments)?;
        if !matches!(reply, ScriptReply::Number(1)) {
            return Some(reply);
        }
        let mut olds = BTreeMap::new();
        for (key, change) in keys.iter().zip(arguments.chunks_exact(3)) {
            let [old, new, _] = change else { continue };
            let id = KeyId::parse(key).expect("a key");
            if new.is_empty() {
                continue;
            }
            account.last_change.insert(id, now);
            if let (Strategy::Window, Some((start, after))) =
                (LIMITS[id.limit].strategy, groups::window(new))
            {
                let before = olds
                    .get(&id)
                    .copied()
                    .or_else(|| groups::window(old).map(|it| it.1));
                olds.insert(id, after);
                let refund = before.unwrap_or_default().saturating_sub(after);
                *account.refunds.entry((id, start)).or_default() += refund;
            }
        }
        Some(reply)
    }

    /// Returns the count in the window of a key.
    pub(super) fn count(&self, id: KeyId) -> u64 {
        let keyspace = self.scripts.keyspace.borrow();
        let entry = self
            .latest
            .get(&id)
            .and_then(|latest| keyspace.get(&latest.name));
        let window = entry.and_then(|entry| groups::window(&entry.value));
        window.map_or(0, |(_, count)| count)
    }

    /// Returns `true` if the server would refuse a hit now. This leaves no trace.
    pub(super) fn would_refuse(&mut self, now: u64, id: KeyId, cost: u64) -> bool {
        let Some(latest) = self.latest.get(&id) else {
            return false;
        };
        let name = latest.name.clone();
        let keys = std::slice::from_ref(&name);
        let arguments = [latest.laws.clone(), groups::write(latest.law, cost)];
        self.scripts.keyspace.borrow_mut().now = self.epoch + now;
        let before = self.scripts.keyspace.borrow().get(&name).cloned();
        let reply = self.scripts.run(&self.decides, keys, &arguments);
        self.scripts.keyspace.borrow_mut().restore(&name, before);
        // A server that has lost its scripts has no answer before it is sent one of them.
        reply.is_none_or(|reply| values(&reply)[0].first() == Some(&0))
    }
}

/// Doubles the refund in one change of a state.
fn refund_twice(change: &mut [Vec<u8>]) {
    let [old, new, _] = change else { return };
    if let (Some((_, before)), Some((_, after))) = (groups::window(old), groups::window(new)) {
        let less = (2 * after).saturating_sub(before) as f64;
        new[27..35].copy_from_slice(&less.to_be_bytes());
    }
}

/// Returns the strings of a reply.
fn values(reply: &ScriptReply) -> Vec<&[u8]> {
    match reply {
        ScriptReply::Bytes(bytes) => vec![bytes],
        ScriptReply::List(list) => list.iter().flat_map(values).collect(),
        reply => panic!("a script replied {reply:?}"),
    }
}

fn text(word: &[u8]) -> &str {
    str::from_utf8(word).unwrap_or_default()
}
