//! Listeners that are called with each decision on a throttle.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use http::request::Parts;
use parking_lot::Mutex;

use crate::decision::{Provenance, Report};
use crate::definition::registry::resolved_client::ResolvedClient;
use crate::identity::Identity;
use crate::observe::Outcome;

/// A decision on a hit on one throttle.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The uid of the throttle.
    pub uid: &'a str,
    /// The outcome of the hit.
    pub outcome: Outcome,
    /// The place where the hit was decided.
    pub provenance: Provenance,
    /// The identity of the client, as the identifier returned it.
    pub identity: &'a Identity,
    /// The client as the decision resolved it. Its `Display` names it for people, and
    /// [`ResolvedClient::address`] is its address behind trusted proxies.
    pub client: ResolvedClient<'a>,
    /// The cost of the hit.
    pub cost: u64,
    /// The report of the law; of several rates, the report of the binding one. `None` if no law
    /// decided.
    pub report: Option<Report>,
    /// The head of the request, if there is a request.
    pub parts: Option<&'a Parts>,
}

/// A handle to a function that is called with each decision. Dropping it does not stop the calls.
#[derive(Clone)]
pub struct Listener {
    listen: Listen,
}

type Listen = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// Set while there are listeners.
static HAS_LISTENERS: AtomicBool = AtomicBool::new(false);
static LISTENERS: ArcSwapOption<Vec<Listen>> = ArcSwapOption::const_empty();
/// Locked while the list of listeners is replaced.
static UPDATING: Mutex<()> = Mutex::new(());

/// Adds a listener.
pub(crate) fn listen(listen: Listen) -> Listener {
    let listener = Listener { listen };
    update(|listeners| listeners.push(listener.listen.clone()));
    listener
}

fn update(update: impl FnOnce(&mut Vec<Listen>)) {
    let _updating = UPDATING.lock();
    let mut listeners = LISTENERS
        .load_full()
        .map_or_else(Vec::new, |all| all.to_vec());
    update(&mut listeners);
    HAS_LISTENERS.store(!listeners.is_empty(), Ordering::Relaxed);
    LISTENERS.store(Some(Arc::new(listeners)));
}

/// Returns `true` if there are listeners.
#[inline]
pub(crate) fn has_listeners() -> bool {
    HAS_LISTENERS.load(Ordering::Relaxed)
}

/// Calls all listeners with a decision.
pub(crate) fn notify(event: &Event<'_>) {
    for listen in LISTENERS.load_full().iter().flat_map(|all| all.iter()) {
        listen(event);
    }
}

impl Listener {
    /// Stops the calls. The function may still be called with a decision that is made at this
    /// moment.
    pub fn stop(self) {
        update(|listeners| listeners.retain(|listen| !Arc::ptr_eq(listen, &self.listen)));
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}
