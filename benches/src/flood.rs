//! Limited clients that a full table keeps while many times its capacity of new ones pass.

use std::time::Duration;

use traffik::strategy::FixedWindow;
use traffik::{Backend, DynThrottle, Identity, Rate};

use crate::effort::amount;
use crate::keys::key;
use crate::measure::ready;
use crate::row::{Row, Table};
use crate::spread::Goal;

const LIMITED: usize = 1_000;
const NEW: usize = 50_000_000;
const LIMIT: u64 = 5;
/// A window that does not end while this runs.
const WINDOW: Duration = Duration::from_secs(3_650 * 24 * 60 * 60);

/// Counts the limited clients that are still refused after millions of new clients.
///
/// # Panics
///
/// If a new client is refused.
pub fn tables() -> Vec<Table> {
    let builder = DynThrottle::builder("flood").strategy(FixedWindow::new());
    let builder = builder.rate(Rate::new(LIMIT, WINDOW));
    let builder = builder.backend(Backend::memory());
    let throttle = builder.build().expect("the settings are valid");
    let admits = |client: &Identity| {
        let decision = ready(throttle.hit(client, 1));
        decision.expect("a decision").admitted
    };

    let limited: Vec<Identity> = (0..LIMITED)
        .map(|place| Identity::new(format!("limited:{place}")))
        .collect();
    for client in &limited {
        while admits(client) {}
    }
    let new = amount(NEW, LIMITED);
    for place in 0..new {
        assert!(
            admits(&Identity::new(key(place))),
            "a new client is admitted"
        );
    }
    let refused = limited.iter().filter(|client| !admits(client)).count();

    let title = "Limited clients that a table of 1 000 000 still refuses after 50 000 000 new ones";
    let mut table = Table::new(title, "clients", "limited before").ours("still refused");
    let goal = Goal::AtLeast(LIMITED as f64);
    table.push(Row::count(
        "by `fixed_window`",
        refused as f64,
        LIMITED as f64,
        goal,
    ));
    vec![table]
}
