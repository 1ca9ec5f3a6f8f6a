//! The account of a simulation: every hit as its caller saw it, and every execution as the server
//! saw it. No code of the product is used to keep it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::laws::{LIMITS, SET};
use crate::chance::Chance;

/// The largest cost. Each cost is used once for a client, so that it names the hit.
const MAX_COST: u64 = 240;

/// A client of a limit, as the server has a key for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyId {
    pub(super) limit: usize,
    pub(super) client: u32,
}

/// A hit: which limits, which client, and a cost that no other hit of that client has, unless
/// there are leases.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The places of its limits.
    pub(super) limits: Range<usize>,
    pub(super) client: u32,
    pub(super) cost: u64,
    /// Set if no other hit of the client has the cost.
    pub(super) is_unique: bool,
    pub(super) process: usize,
    pub(super) begun: u64,
    pub(super) ended: Option<u64>,
    pub(super) outcome: Outcome,
    /// The units that its caller has used.
    pub(super) used: u64,
}

/// The outcome of a hit for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There was none: the process has crashed.
    Open,
    Admitted {
        remaining: u64,
    },
    /// The process has admitted it by a lease.
    AdmittedByLease,
    Refused,
    RefusedLocally,
    Failed {
        may_have_counted: bool,
    },
    /// The caller went away.
    Dropped,
}

/// An execution of a hit by the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Execution {
    /// The time of the server.
    pub(super) at: u64,
    pub(super) admitted: bool,
    /// The units that the window has left after it.
    pub(super) remaining: Option<u64>,
    /// Set once a call was found that it answers.
    pub(super) is_matched: bool,
}

/// A promise of the library that a simulation checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// No law admits more than its worst case.
    Limit,
    /// No hit is counted twice.
    Once,
    /// An error that says that nothing was counted is right.
    Ambiguity,
    /// Each caller gets the answer to its own hit.
    OwnAnswer,
    /// A hit is refused locally only if the server would refuse it.
    LocalRefusal,
    /// A refusal changes nothing on the server.
    RefusalWritesNothing,
    /// Every key ends.
    TimeToLive,
    /// Every call ends in its time.
    Timeout,
    /// No more is given back than was counted for callers that did not use it.
    Refund,
    /// Units are lost only by failures.
    Waste,
}

/// A promise that was broken, and how.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) promise: Promise,
    pub(super) text: String,
}

/// The account of one run.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) calls: Vec<Call>,
    /// The executions of hits, by key and cost.
    pub(super) executions: BTreeMap<(KeyId, u64), Vec<Execution>>,
    /// The units that were given back in a window, by the key and the start of the window.
    pub(super) refunds: BTreeMap<(KeyId, u64), u64>,
    /// The last time at which a key changed by something else than a hit.
    pub(super) last_change: BTreeMap<KeyId, u64>,
    /// Local refusals that were not checked yet.
    pub(super) local_refusals: Vec<usize>,
    pub(super) violations: Vec<Violation>,
    costs: BTreeMap<(usize, u64), Costs>,
    clients: u32,
}

/// The costs that were not used yet for the present client of a place.
#[derive(Debug, Default)]
struct Costs {
    client: u32,
    unused: Vec<u64>,
}

impl Account {
    /// Begins a hit on a limit, or on the set that it is a member of. Each limit has some places
    /// for clients; when a client has used all its costs, another one comes in its place.
    pub(super) fn begin(
        &mut self,
        (limit, place): (usize, u64),
        process: usize,
        now: u64,
        (chance, has_leases): (&mut Chance, bool),
    ) -> usize {
        let limits = if SET.contains(&limit) {
            SET[0]..SET[1] + 1
        } else {
            limit..limit + 1
        };
        let costs = self.costs.entry((limits.start, place)).or_default();
        if costs.unused.is_empty() && (!has_leases || costs.client == 0) {
            self.clients += 1;
            costs.client = self.clients;
            costs.unused = (1..=MAX_COST).collect();
        }
        let cost = if has_leases {
            // Small costs, which a client needs often enough that leases pay.
            chance.between(1, 4)
        } else {
            let drawn = chance.below(costs.unused.len() as u64) as usize;
            costs.unused.swap_remove(drawn)
        };
        self.calls.push(Call {
            limits,
            client: costs.client,
            cost,
            is_unique: !has_leases,
            process,
            begun: now,
            ended: None,
            outcome: Outcome::Open,
            used: 0,
        });
        self.calls.len() - 1
    }

    /// Ends a hit.
    pub(super) fn end(&mut self, call: usize, place: u64, outcome: Outcome, now: u64) {
        let ended = &mut self.calls[call];
        (ended.ended, ended.outcome) = (Some(now), outcome);
        match outcome {
            Outcome::Admitted { .. } | Outcome::AdmittedByLease => ended.used = ended.cost,
            Outcome::RefusedLocally => {
                // The server never hears of this cost, so that another hit can have it.
                let costs = self.costs.entry((ended.limits.start, place)).or_default();
                if costs.client == ended.client {
                    costs.unused.push(ended.cost);
                }
                self.local_refusals.push(call);
            }
            _ => {}
        }
    }

    /// Returns `true` if the last hit that has begun has failed.
    pub(super) fn has_just_failed(&self) -> bool {
        let last = self.calls.last();
        last.is_some_and(|call| matches!(call.outcome, Outcome::Failed { .. }))
    }

    /// Records a promise that was broken.
    pub(super) fn violate(&mut self, promise: Promise, text: String) {
        self.violations.push(Violation { promise, text });
    }
}

impl Call {
    /// Returns the keys of its limits.
    pub(super) fn keys(&self) -> impl Iterator<Item = KeyId> + use<> {
        let client = self.client;
        self.limits
            .clone()
            .map(move |limit| KeyId { limit, client })
    }
}

impl KeyId {
    /// Parses the name of a key, `{namespace:client}:uid`.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        let name = str::from_utf8(name).ok()?;
        let (client, uid) = name.split_once("}:")?;
        let digits = client.rsplit_once("client-")?.1;
        let limit = LIMITS.iter().position(|limit| uid.starts_with(limit.uid))?;
        let client = digits.parse().ok()?;
        Some(Self { limit, client })
    }
}
