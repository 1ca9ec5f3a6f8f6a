//! The cost of a decision by the number of limits of a throttle, beside as many limiters of the
//! peer, one after the other. Those do less: a hit that the second refuses has been counted by the
//! first.

use std::hint::black_box;
use std::time::Duration;

use traffik::strategy::FixedWindow;
use traffik::{Backend, Identity, Rate};

use crate::effort::amount;
use crate::keys::key;
use crate::measure::{Comparison, ready};
use crate::row::Table;
use crate::sides::{Governor, admitting_governor, throttle_of};

const CALLS: usize = 200_000;

/// Measures one limit to eight, on a hot key.
pub fn tables() -> Vec<Table> {
    let title = "A decision in memory by the number of limits, one hot key, admitted";
    let mut table = Table::new(title, "ns", "as many governors");
    let (text, client) = (key(0), Identity::new(key(0)));
    for limits in [1, 2, 3, 4, 8] {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let rates = (1..=limits).map(|place| Rate::new(u32::MAX.into(), hours(place)));
        let rates: Vec<Rate> = rates.collect();
        let ours = throttle_of(FixedWindow::new(), &rates, Backend::memory());
        let peers: Vec<Governor> = rates.iter().map(|_| admitting_governor()).collect();
        let hit = |_| {
            black_box(ready(ours.hit(&client, 1)).is_ok());
        };
        let check = |_| {
            black_box(peers.iter().all(|peer| peer.check_key(&text).is_ok()));
        };
        table.push(Comparison::new(&limits.to_string(), amount(CALLS, 100)).run(&hit, &check));
    }
    vec![table]
}
