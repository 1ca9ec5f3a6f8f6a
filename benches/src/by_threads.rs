//! The cost of a decision by the number of threads, beside `governor`: measured on the cores of
//! this machine, with more threads than cores as well, and by a model for more cores.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use traffik::strategy::FixedWindow;
use traffik::{Identity, Rate};

use crate::cache_line_model::{Load, Place, throughput};
use crate::effort::amount;
use crate::keys::{Order, key};
use crate::measure::{Comparison, ready, time};
use crate::row::{Row, Table};
use crate::sides::{Governor, admitting_governor, throttle};
use crate::spread::{Goal, Spread};

const KEYS: usize = 100_000;
const CALLS: usize = 400_000;
const THREADS: [usize; 4] = [1, 2, 16, 64];

/// Measures up to 64 threads, and models up to 64 cores.
pub fn tables() -> Vec<Table> {
    let bench = Setup::new();
    let hot = Order::hot();
    let uniform = Order::uniform(bench.keys.len());
    let measured = |keys: &str| {
        Table::new(
            format!("A decision in memory by threads on this machine's cores, {keys}, admitted"),
            "ns",
            "governor",
        )
    };
    let mut tables = vec![measured("one hot key"), measured("100 000 keys")];
    for (table, order) in tables.iter_mut().zip([&hot, &uniform]) {
        for threads in THREADS {
            table.push(bench.compare(threads, order));
        }
    }
    let single = [0, 1].map(|table: usize| {
        let row = &tables[table].rows[0];
        (row.ours, row.peer)
    });
    tables.extend(bench.model(single));
    tables
}

struct Setup {
    keys: Vec<String>,
    clients: Vec<Identity>,
    ours: traffik::DynThrottle,
    peer: Governor,
}

impl Setup {
    fn new() -> Self {
        let keys: Vec<String> = (0..amount(KEYS, 100)).map(key).collect();
        let clients = keys.iter().map(|key| Identity::new(key.as_str()));
        Self {
            clients: clients.collect(),
            keys,
            ours: throttle(FixedWindow::new(), Rate::per_hour(u32::MAX.into())),
            peer: admitting_governor(),
        }
    }

    fn compare(&self, threads: usize, order: &Order) -> Row {
        let hit = |call: usize| {
            black_box(ready(self.ours.hit(&self.clients[order.pick(call)], 1)).is_ok());
        };
        let check = |call: usize| {
            black_box(self.peer.check_key(&self.keys[order.pick(call)]).is_ok());
        };
        Comparison::new(&threads.to_string(), amount(CALLS, 128))
            .threads(threads)
            .run(&hit, &check)
    }

    /// Models decisions per second on more cores. The time in which a cache line moves needs a
    /// second core to be measured; without one there is no model.
    fn model(&self, single: [(f64, f64); 2]) -> Vec<Table> {
        let Some(transfer) = transfer() else {
            return Vec::new();
        };
        let (hot, many) = (Place::One, Place::Of(self.keys.len()));
        let tables = [
            ("one hot key", hot, single[0]),
            ("100 000 keys", many, single[1]),
        ];
        let model = |(keys, slot, (ours, peer))| {
            let title = format!(
                "Millions of decisions a second by cores, {keys}: a model, in which a written cache line needs {transfer:.0} ns from core to core"
            );
            let mut table = Table::new(title, "million/s", "governor");
            for cores in THREADS {
                // A decision writes the slot of its key.
                let ours = Load::new(ours, vec![slot]);
                // A decision writes the word that locks the shard twice, and the state of its key.
                let shards = Place::Of((4 * cores).next_power_of_two());
                let shard = if slot == hot { hot } else { shards };
                let peer = Load::new(peer, vec![shard, slot, shard]);
                let figures = [ours, peer].map(|load| throughput(cores, transfer, &load));
                let ratio = Spread::of([figures[0] / figures[1]]);
                table.push(Row {
                    ratio: Some(ratio),
                    ..Row::count(cores.to_string(), figures[0], figures[1], Goal::None)
                });
            }
            table
        };
        tables.map(model).into()
    }
}

/// Returns the nanoseconds until a cache line that another core has written can be written: the
/// time of an increment, if two threads increment one number in turn.
fn transfer() -> Option<f64> {
    std::thread::available_parallelism()
        .ok()
        .filter(|cores| cores.get() > 1)?;
    let (turns, number) = (amount(200_000, 200), AtomicU64::new(0));
    let rounds = (0..amount(11, 1)).map(|_| {
        number.store(0, Ordering::Release);
        time(2, turns * 2, &|call| {
            let parity = u64::from(call >= turns);
            while number.load(Ordering::Acquire) % 2 != parity {
                std::hint::spin_loop();
            }
            number.fetch_add(1, Ordering::AcqRel);
        })
    });
    Some(Spread::of(rounds).median)
}
