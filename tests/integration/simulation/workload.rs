//! The tasks of a process: they hit limits, reserve and settle, go away before the answer, and try
//! again.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use http::HeaderValue;
use http::request::Parts;
use traffik::{Backend, Decision, DynThrottle, Error, Identity, Provenance, Quota};
use traffik_tests::head;

use super::account::{Call, Outcome};
use super::desk::Desk;
use super::laws::{LIMITS, SET, SetOne, SetTwo};
use crate::chance::Chance;

/// The header with the client of a set.
const CLIENT: &str = "client";

/// The work of one task.
pub(super) struct Task {
    pub(super) desk: Arc<Desk>,
    pub(super) process: usize,
    pub(super) backend: Backend,
    /// The throttles of the process, by the places of their limits.
    pub(super) throttles: Arc<Vec<DynThrottle>>,
    pub(super) chance: Chance,
    /// The number of clients of each limit.
    pub(super) clients: u64,
    /// The longest pause between two bursts, in microseconds.
    pub(super) pause: u64,
    pub(super) has_leases: bool,
    /// Set once the process has called the server for the first time.
    pub(super) is_ready: Arc<AtomicBool>,
    /// Set for the one task that makes this call. Tokio wakes several tasks that wait for the first
    /// connection in an order that no seed can repeat.
    pub(super) is_first: bool,
}

/// Returns the client that a request of a set names.
pub(super) async fn client_of(parts: &Parts) -> Result<Identity, Infallible> {
    let name = parts.headers.get(CLIENT).and_then(|it| it.to_str().ok());
    Ok(Identity::new(name.unwrap_or_default()))
}

impl Task {
    /// Works until the simulation is over.
    pub(super) async fn run(mut self) {
        if self.is_first {
            let _ = self.throttles[0].check(&Identity::new("client-0"), 1).await;
            self.is_ready.store(true, Ordering::Relaxed);
        }
        while !self.is_ready.load(Ordering::Relaxed) && !self.desk.is_over() {
            self.desk.nap(1_000).await;
        }
        while !self.desk.is_over() {
            let pause = self.chance.between(100, self.pause);
            // Tasks that wake at one moment send batches.
            let pause = if self.chance.per_mille(700) {
                pause / 2_000 * 2_000
            } else {
                pause
            };
            self.desk.nap(pause.max(100)).await;
            let limit = self.chance.below(LIMITS.len() as u64) as usize;
            let place = (limit, self.chance.below(self.clients));
            // A client at full speed is mostly refused in this process.
            let hits = if self.chance.per_mille(300) { 150 } else { 2 };
            for _ in 0..self.chance.between(1, hits) {
                self.act(place).await;
                // Applications do not call a store at full speed that is gone.
                if self.desk.account().has_just_failed() {
                    break;
                }
            }
        }
    }

    async fn act(&mut self, place: (usize, u64)) {
        let now = self.desk.now();
        let drawn = (&mut self.chance, self.has_leases);
        let call = self.desk.account().begin(place, self.process, now, drawn);
        let Call { client, cost, .. } = self.desk.account().calls[call];
        if SET.contains(&place.0) {
            return self.hit_set(call, place.1, (client, cost)).await;
        }
        let throttle = self.throttles[place.0].clone();
        let client = Identity::new(format!("client-{client}"));
        match self.chance.below(100) {
            0..70 => {
                let decided = throttle.hit(&client, cost).await;
                self.end(call, place.1, decided);
            }
            70..80 => {
                let patience = self.chance.between(0, 3_000);
                let hit = throttle.hit(&client, cost);
                let decided = self.leave_after(patience, hit).await;
                self.end_or_drop(call, place.1, decided);
            }
            80..95 => {
                let reserved = throttle.reserve(&client, cost).await;
                let reservation = match reserved {
                    Ok(reservation) => {
                        self.end(call, place.1, Ok(*reservation.decision()));
                        reservation
                    }
                    Err(error) => return self.end(call, place.1, Err(error)),
                };
                if !reservation.decision().admitted {
                    return;
                }
                let work = self.chance.between(0, 30_000);
                self.desk.nap(work).await;
                let used = self.chance.between(0, cost);
                match self.chance.below(3) {
                    0 => {
                        self.desk.account().calls[call].used = 0;
                        drop(reservation);
                    }
                    1 => {
                        self.desk.account().calls[call].used = used;
                        let _ = reservation.settle(used).await;
                    }
                    _ => drop(reservation.keep()),
                }
            }
            _ => {
                // A look counts nothing, and travels with the others.
                self.desk
                    .account()
                    .end(call, place.1, Outcome::Dropped, now);
                let _ = throttle.check(&client, cost).await;
            }
        }
    }

    async fn hit_set(&self, call: usize, place: u64, (client, cost): (u32, u64)) {
        let mut parts = head(&self.backend);
        let name = HeaderValue::try_from(format!("client-{client}")).expect("a header");
        parts.headers.insert(CLIENT, name);
        let quota = Quota::new(&parts).add::<SetOne>(cost).add::<SetTwo>(cost);
        let decided = quota.commit().await;
        self.end(call, place, decided);
    }

    /// Drops a future after some time.
    async fn leave_after<F: Future>(&self, micros: u64, future: F) -> Option<F::Output> {
        let (mut future, mut nap) = (pin!(future), pin!(self.desk.nap(micros)));
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            nap.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    fn end(&self, call: usize, place: u64, decided: Result<Decision, Error>) {
        self.end_or_drop(call, place, Some(decided));
    }

    fn end_or_drop(&self, call: usize, place: u64, decided: Option<Result<Decision, Error>>) {
        let outcome = match decided {
            None => Outcome::Dropped,
            Some(Err(error)) => Outcome::Failed {
                may_have_counted: error.may_have_counted(),
            },
            Some(Ok(decision)) if decision.provenance == Provenance::Lease => {
                Outcome::AdmittedByLease
            }
            Some(Ok(decision)) if decision.admitted => Outcome::Admitted {
                remaining: decision.remaining,
            },
            Some(Ok(decision)) if decision.provenance == Provenance::LocalRefusal => {
                Outcome::RefusedLocally
            }
            Some(Ok(_)) => Outcome::Refused,
        };
        let now = self.desk.now();
        self.desk.account().end(call, place, outcome, now);
    }
}
