//! The slowest decisions while ten million one-time clients pass through a table of a million,
//! beside decisions on 100 000 warm clients, and the growth of the process meanwhile.
//!
//! Every decision is timed by itself, so both sides include reading the clock.

use std::hint::black_box;
use std::time::Instant;

use traffik::strategy::FixedWindow;
use traffik::{Backend, DynThrottle, Identity, Rate};

use crate::effort::{amount, rounds};
use crate::keys::key;
use crate::measure::{Rounds, ready};
use crate::process::resident;
use crate::row::{Row, Table};
use crate::spread::{Goal, Spread};

const ROUNDS: usize = 10;
const BATCHES: usize = 10;
const BATCH: usize = 100_000;

/// Measures the times of decisions on new keys and on warm ones, and the memory of the process.
pub fn tables() -> Vec<Table> {
    let warm = throttle("warm");
    let churned = throttle("churned");
    let warm_clients = clients(0);
    let batches = amount(BATCHES, 1);
    let mut times = Vec::with_capacity(batches * warm_clients.len());
    hits(&warm, &warm_clients, &mut times);

    let (mut figures, mut sizes) = (Vec::new(), Vec::new());
    for round in 0..rounds(ROUNDS).max(2) {
        times.clear();
        for _ in 0..batches {
            hits(&warm, &warm_clients, &mut times);
        }
        let warm = Slowest::of(&mut times);
        times.clear();
        for batch in 0..batches {
            let new = clients(1 + round * batches + batch);
            hits(&churned, &new, &mut times);
        }
        figures.push((Slowest::of(&mut times), warm));
        sizes.extend(resident());
    }
    // The first round fills the table.
    figures.remove(0);
    let mut tables = vec![slowest(&figures)];
    tables.extend(growth(&sizes));
    tables
}

fn slowest(rounds: &[(Slowest, Slowest)]) -> Table {
    let title = "A decision while new keys displace others, beside 100 000 warm keys";
    let mut table = Table::new(title, "ns", "warm keys").ours("displacing");
    let figures: [(&str, Figure, Goal); 4] = [
        ("median", |it| it.half, Goal::AtMost(4.0)),
        ("99 % are faster", |it| it.hundredth, Goal::None),
        ("99.9 % are faster", |it| it.thousandth, Goal::AtMost(4.0)),
        ("99.99 % are faster", |it| it.ten_thousandth, Goal::None),
    ];
    for (name, figure, goal) in figures {
        let sides = rounds.iter().map(|(new, warm)| [figure(new), figure(warm)]);
        table.push(Rounds::new(sides).row(name, goal));
    }
    table
}

/// Compares the memory of the process before and after; `None` where the kernel does not report it.
fn growth(sizes: &[u64]) -> Option<Table> {
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (last, first) = (mebibytes(*sizes.last()?), mebibytes(*sizes.first()?));
    let title = "Memory of the process while keys pass through a table of 1 000 000";
    let mut table = Table::new(title, "MiB", "after the first million").ours("at the end");
    table.push(Row {
        ratio: Some(Spread::of([last / first])),
        ..Row::count("resident", last, first, Goal::AtMost(1.01))
    });
    Some(table)
}

/// Selects one figure of the slowest decisions.
type Figure = fn(&Slowest) -> f64;

fn throttle(uid: &str) -> DynThrottle {
    let builder = DynThrottle::builder(uid).strategy(FixedWindow::new());
    let builder = builder.rate(Rate::per_day(u32::MAX.into()));
    let builder = builder.backend(Backend::memory());
    builder.build().expect("the settings are valid")
}

/// Builds a batch of clients that no other batch contains.
fn clients(batch: usize) -> Vec<Identity> {
    let size = amount(BATCH, 1_000);
    let client = |place: usize| Identity::new(key(batch * size + place));
    (0..size).map(client).collect()
}

fn hits(throttle: &DynThrottle, clients: &[Identity], times: &mut Vec<u32>) {
    for client in clients {
        let start = Instant::now();
        let admitted = ready(throttle.hit(client, 1)).is_ok_and(|decision| decision.admitted);
        times.push(start.elapsed().as_nanos() as u32);
        assert!(black_box(admitted));
    }
}

/// Quantiles of decision times, in nanoseconds: the times that half of all decisions reach, and
/// smaller shares of them.
struct Slowest {
    half: f64,
    hundredth: f64,
    thousandth: f64,
    ten_thousandth: f64,
}

impl Slowest {
    fn of(times: &mut [u32]) -> Self {
        times.sort_unstable();
        let at = |share: usize| f64::from(times[times.len() - (times.len() / share).max(1)]);
        Self {
            half: at(2),
            hundredth: at(100),
            thousandth: at(1_000),
            ten_thousandth: at(10_000),
        }
    }
}
