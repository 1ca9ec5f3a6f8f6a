//! Local refusals: a client that a shared store has refused is refused by this process, exactly as
//! the store would.

mod answers;
mod commands;
mod forgetting;
mod policies;
mod sets;
mod time;

use traffik::{Backend, Decision, DynThrottle, Identity, ManualClock, Provenance, Rate};
use traffik_tests::ExpiringStore;

/// Returns a backend on a new custom store, and its clock.
fn custom() -> (Backend, ManualClock) {
    let clock = ManualClock::new();
    let backend = Backend::custom(ExpiringStore::default()).clock(clock.clone());
    (backend, clock)
}

/// Returns a throttle of a uid that no other test has.
fn throttle(uid: &str, rate: &str, backend: &Backend) -> DynThrottle {
    let uid = format!("local refusals: {uid}");
    let rate: Rate = rate.parse().unwrap();
    let builder = DynThrottle::builder(uid).rate(rate);
    builder.backend(backend.clone()).build().unwrap()
}

fn client() -> Identity {
    Identity::new("client")
}

async fn hit(throttle: &DynThrottle) -> Decision {
    throttle.hit(&client(), 1).await.unwrap()
}

/// Hits a throttle, and returns `true` if it was admitted and the place where that was decided.
async fn decided(throttle: &DynThrottle) -> (bool, Provenance) {
    let decision = hit(throttle).await;
    (decision.admitted, decision.provenance)
}
