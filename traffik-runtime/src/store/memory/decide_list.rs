//! Decides a single hit of a throttle with several rates, whose states are a list in the spill.
//!
//! # Protocol
//!
//! 1. Lock the key's spill shard, and look the key up once.
//! 2. Evaluate the hit on each state of the list in place.
//! 3. A refused hit is reported and writes nothing.
//! 4. An admitted hit is counted in all states in place.
//!
//! [`decide_set`](super::locked) decides for a key without a list, for a list that was written
//! under other rates, for one that is far ahead of the clock, and where the wait of a refused hit
//! has to be searched for.

use crate::clock::reading::Reading;
use crate::store::memory::Memory;
use crate::store::memory::decide_slots::KeyedHit;
use crate::store::memory::spill::Expiry;
use crate::store::outcome::Reports;
use crate::store::plan::Limit;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::{Listed, State};

impl Memory {
    /// Decides a hit under several limits, and counts it under all or none. Adds its reports, and
    /// returns `true` if it is admitted. Returns `None`, and has changed nothing, if the hit needs
    /// [`decide_set`](Self::decide_set).
    pub(crate) fn decide_list(
        &self,
        hit: &KeyedHit<'_>,
        at: Reading<'_>,
        reports: &mut impl Reports,
    ) -> Option<bool> {
        let (now, cost, limits) = (at.now, hit.cost, hit.limits);
        let mut shard = self.spill.lock(self.spill.shard_of(hit.key));
        let entry = shard.entry_mut(hit.key, now)?;
        let State::List(list) = &mut entry.state else {
            return None;
        };
        if list.len() != limits.len() || cost == 0 {
            return None;
        }
        let mut is_admitted = true;
        for (listed, limit) in list.iter().zip(limits) {
            if !limit.has_numbered(listed) {
                return None;
            }
            is_admitted &= limit.law.admits(&listed.state, now, cost);
        }
        if !is_admitted {
            return refuse(list, limits, (now, cost), reports);
        }
        let mut expiry = Expiry::default();
        for (listed, limit) in list.iter_mut().zip(limits) {
            listed.until = 0;
            let report = limit.law.hit(&mut listed.state, now, cost);
            expiry = expiry.merge(Expiry::of_report(&report, now));
            reports.add(0, limit, true, &report);
        }
        entry.expiry = expiry;
        self.spill.sweep(&mut shard, now);
        Some(true)
    }
}

/// Adds the reports of a refused hit; `None` if it needs the other protocol.
fn refuse(
    list: &[Listed],
    limits: &[Limit],
    (now, cost): (u64, u64),
    reports: &mut impl Reports,
) -> Option<bool> {
    let mut lines = list.iter().zip(limits);
    let needs_locks = lines.any(|(listed, limit)| {
        matches!(limit.law, Law::Hours(_)) || limit.law.caught_up(&listed.state, now).is_some()
    });
    if needs_locks {
        return None;
    }
    for (listed, limit) in list.iter().zip(limits) {
        let fits = limit.law.admits(&listed.state, now, cost);
        let report = limit.law.report(&listed.state, now, cost);
        reports.add(0, limit, fits, &report);
    }
    Some(false)
}
