//! The slowest decisions while ten million one-time clients pass through a table of a million,
//! beside decisions on 100 000 warm clients, and the growth of the process meanwhile.
//!
//! Every decision is timed by itself, so both sides include reading the clock.

use std::hint::black_box;
use std::time::Instant;

use traffik::strategy::FixedWindow;
use traffik::{Backend, DynThrottle, Identity, Rate};
use traffik_benches::process::resident;
use traffik_benches::{Goal, Spread, amount, ready};

const ROUNDS: usize = 10;
const BATCHES: usize = 10;
const BATCH: usize = 100_000;

fn main() {
    let warm = throttle("warm");
    let churned = throttle("churned");
    let warm_clients = clients(0);
    let batches = amount(BATCHES, 1);
    let mut times = Vec::with_capacity(batches * warm_clients.len());
    hits(&warm, &warm_clients, &mut times);

    let (mut rounds, mut sizes) = (Vec::new(), Vec::new());
    for round in 0..amount(ROUNDS, 2) {
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
        rounds.push((Slowest::of(&mut times), warm));
        sizes.extend(resident());
    }
    // The first round fills the table.
    rounds.remove(0);
    report(&rounds, &sizes);
}

fn report(rounds: &[(Slowest, Slowest)], sizes: &[u64]) {
    println!("\nA decision while new keys displace others, fixed window\n");
    println!(
        "| of all decisions | churned, ns | 100 000 warm keys, ns | ratio, median | middle half | goal |"
    );
    println!("|---|---|---|---|---|---|");
    let figures: [(&str, Figure, Goal); 3] = [
        ("half are faster", |it| it.half, Goal::None),
        ("99 % are faster", |it| it.hundredth, Goal::None),
        ("99.9 % are faster", |it| it.thousandth, Goal::AtMost(5.0)),
    ];
    for (name, figure, goal) in figures {
        let median = |times: Vec<f64>| Spread::of(times).median;
        let ratios = rounds.iter().map(|(new, warm)| figure(new) / figure(warm));
        let ratio = Spread::of(ratios);
        println!(
            "| {name} | {:.0} | {:.0} | **{:.2}** | {:.2} – {:.2} | {} |",
            median(rounds.iter().map(|(new, _)| figure(new)).collect()),
            median(rounds.iter().map(|(_, warm)| figure(warm)).collect()),
            ratio.median,
            ratio.low,
            ratio.high,
            goal.verdict(ratio.median)
        );
    }
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else {
        return;
    };
    let growth = *last as f64 / *first as f64;
    println!(
        "\n| memory of the process | after 1 000 000 keys | after 10 000 000 | ratio | goal |"
    );
    println!("|---|---|---|---|---|");
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "| resident, MiB | {:.1} | {:.1} | **{growth:.3}** | {} |",
        mebibytes(*first),
        mebibytes(*last),
        Goal::AtMost(1.01).verdict(growth)
    );
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
    let client = |place: usize| Identity::new(format!("user:{:08}", batch * size + place));
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

/// Quantiles of decision times, in nanoseconds: the times that half, one hundredth and one
/// thousandth of all decisions reach.
struct Slowest {
    half: f64,
    hundredth: f64,
    thousandth: f64,
}

impl Slowest {
    fn of(times: &mut [u32]) -> Self {
        times.sort_unstable();
        let at = |share: usize| f64::from(times[times.len() - times.len() / share]);
        Self {
            half: at(2),
            hundredth: at(100),
            thousandth: at(1_000),
        }
    }
}
