use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use http::request::Parts;
use parking_lot::Mutex;

use crate::decision::Report;
use crate::definition::registry::resolved_client::ResolvedClient;
use crate::identity::Identity;
use crate::observe::Outcome;

/// What became of a hit on one throttle.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The throttle.
    pub uid: &'a str,
    /// What became of it.
    pub outcome: Outcome,
    /// Who was asking, as the identifier said.
    pub identity: &'a Identity,
    /// The client as the decision has resolved it: its `Display` names it for people, and [`ResolvedClient::address`] is
    /// the address behind trusted proxies.
    pub client: ResolvedClient<'a>,
    /// What the hit costs.
    pub cost: u64,
    /// What the law said; of several rates, the one that binds. Nothing where no law has decided.
    pub report: Option<Report>,
    /// The request's head, if there is a request.
    pub parts: Option<&'a Parts>,
}

/// Somebody who is told of decisions; dropped, it goes on listening.
#[derive(Clone)]
pub struct Listener {
    listen: Listen,
}

type Listen = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// Whether there are listeners.
static LISTENING: AtomicBool = AtomicBool::new(false);
static LISTENERS: ArcSwapOption<Vec<Listen>> = ArcSwapOption::const_empty();
static CHANGING: Mutex<()> = Mutex::new(());

pub(crate) fn listen(listen: Listen) -> Listener {
    let listener = Listener { listen };
    change(|listeners| listeners.push(listener.listen.clone()));
    listener
}

fn change(change: impl FnOnce(&mut Vec<Listen>)) {
    let _changing = CHANGING.lock();
    let mut listeners = LISTENERS
        .load_full()
        .map_or_else(Vec::new, |all| all.to_vec());
    change(&mut listeners);
    LISTENING.store(!listeners.is_empty(), Ordering::Relaxed);
    LISTENERS.store(Some(Arc::new(listeners)));
}

#[inline]
pub(crate) fn anybody_listens() -> bool {
    LISTENING.load(Ordering::Relaxed)
}

pub(crate) fn tell(event: &Event<'_>) {
    for listen in LISTENERS.load_full().iter().flat_map(|all| all.iter()) {
        listen(event);
    }
}

impl Listener {
    /// Tells it nothing any more; a decision that is made at the same time it may still be told.
    pub fn stop(self) {
        change(|listeners| listeners.retain(|listen| !Arc::ptr_eq(listen, &self.listen)));
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}
