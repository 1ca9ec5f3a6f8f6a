//! Time that a limiter adds to an axum handler, beside `tower_governor` 0.8. The router is called
//! in process; the time without a limiter is subtracted from every side.

use std::hint::black_box;
use std::time::Instant;

use axum::Router;
use tower_service::Service as _;

use crate::apps::{Job, attribute, bare, governed, layer, least, request};
use crate::effort::{amount, rounds};
use crate::measure::{alternate, ready};
use crate::row::{Row, Table};
use crate::spread::{Goal, Spread};

const ROUNDS: usize = 61;
const RUNS: usize = 40;
const CALLS: usize = 250;

/// Measures the attribute and the layer, which admit and refuse, with header fields and without.
pub fn tables() -> Vec<Table> {
    let title = "Time added to a call of an axum service";
    let mut table = Table::new(title, "ns", "`tower_governor`");
    for job in Job::ALL {
        let (attribute_goal, layer_goal) = match job {
            Job::Refuse => (0.03, 0.03),
            Job::Admit => (0.75, 0.9),
            Job::AdmitWithFields | Job::AdmitWithLegacyFields => (0.75, 0.85),
        };
        table.push(compare(
            "`#[throttled]`",
            job,
            attribute(job),
            attribute_goal,
        ));
        table.push(compare("`ThrottleLayer`", job, layer(job), layer_goal));
    }
    vec![table]
}

fn compare(form: &str, job: Job, mut ours: Router, goal: f64) -> Row {
    let (mut peer, mut least, mut bare) = (governed(job), least(job), bare());
    let sides: &mut [&mut dyn FnMut() -> f64] = &mut [
        &mut || time(&mut ours),
        &mut || time(&mut peer),
        &mut || time(&mut least),
        &mut || time(&mut bare),
    ];
    let added = alternate(rounds(ROUNDS), sides).beyond_last();
    added.row(format!("{form}, {}", job.name()), Goal::AtMost(goal))
}

/// Returns nanoseconds per call, building the request included: the median of many short runs,
/// since the machine does other work in some of them.
fn time(app: &mut Router) -> f64 {
    let calls = amount(CALLS, 10);
    let runs = (0..amount(RUNS, 1)).map(|_| {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(ready(app.call(request())).is_ok());
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    });
    Spread::of(runs).median
}
