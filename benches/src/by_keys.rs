//! The cost of a decision by the number of keys in the table, beside `governor`.
//!
//! Both tables are filled with all keys. The keys that are then hit, a million picks of all at
//! most, lie in memory in the order in which they are hit, so that their texts cost no cache
//! misses.

use std::hint::black_box;

use traffik::strategy::FixedWindow;
use traffik::{Identity, MemoryBackend, Rate};

use crate::effort::{Effort, amount};
use crate::floor::Floor;
use crate::keys::{Order, key};
use crate::measure::{Comparison, ready};
use crate::row::{Row, Table};
use crate::sides::{admitting_governor, throttle_of};

const SIZES: [(usize, &str); 5] = [
    (1_000, "1 k"),
    (10_000, "10 k"),
    (100_000, "100 k"),
    (1_000_000, "1 M"),
    (10_000_000, "10 M"),
];
const CALLS: usize = 200_000;

/// Measures tables of a thousand keys to ten million.
pub fn tables() -> Vec<Table> {
    let sizes = match Effort::current() {
        Effort::Smoke => &SIZES[..1],
        Effort::Quick => &SIZES[..3],
        Effort::Full => &SIZES[..],
    };
    let title = "A decision in memory by the number of keys, uniform, admitted";
    let mut table = Table::new(title, "ns", "governor");
    for (count, name) in sizes {
        table.push(row(*count, name));
    }
    vec![table]
}

fn row(count: usize, name: &str) -> Row {
    let backend = MemoryBackend::builder().capacity(count * 2);
    let ours = throttle_of(
        FixedWindow::new(),
        &[Rate::per_hour(u32::MAX.into())],
        backend,
    );
    let (peer, floor) = (admitting_governor(), Floor::new(count, u32::MAX));
    for number in 0..count {
        let text = key(number);
        black_box(peer.check_key(&text).is_ok());
        black_box(floor.hit(&text).is_some());
        assert!(ready(ours.hit(&Identity::new(text), 1)).is_ok());
    }
    let order = Order::uniform(count);
    let picks: Vec<String> = order.numbers().iter().map(|pick| key(*pick)).collect();
    let clients: Vec<Identity> = picks
        .iter()
        .map(|key| Identity::new(key.as_str()))
        .collect();
    let mask = picks.len() - 1;
    let hit = |call: usize| {
        black_box(ready(ours.hit(&clients[call & mask], 1)).is_ok());
    };
    let check = |call: usize| {
        black_box(peer.check_key(&picks[call & mask]).is_ok());
    };
    let least = |call: usize| {
        black_box(floor.hit(&picks[call & mask]).is_some());
    };
    Comparison::new(name, amount(CALLS, 100))
        .limit(&least)
        .run(&hit, &check)
}
