//! The circuit breakers in front of the first backend.

use std::ptr;

use smallvec::SmallVec;

use crate::engine::recovery::attempt::Attempt;
use crate::engine::recovery::run::Run;
use crate::error::{Error, ErrorKind};
use crate::observe;
use crate::on_error::step::Step;
use crate::resilience::breaker::{CircuitBreaker, Permit};

impl<A: Attempt> Run<'_, A> {
    /// Tries the first backend if no breaker is open, and leaves time for `later` more attempts.
    pub(super) async fn try_first(&self, later: u32) -> Result<A::Output, Error> {
        let permits = self.permits()?;
        let result = self
            .within_budget(later, |until| self.attempt.try_backend(until))
            .await;
        for permit in permits {
            self.report_to_breaker(permit, result.as_ref().err());
        }
        result
    }

    /// Returns every breaker in front of the first backend, once.
    fn breakers(&self) -> SmallVec<[&CircuitBreaker; 2]> {
        let mut breakers: SmallVec<[&CircuitBreaker; 2]> = SmallVec::new();
        for step in self.groups.iter().flat_map(|group| group.policy.steps()) {
            if let Step::Failover(failover) = step {
                let breaker = failover.breaker.get();
                if !breakers.iter().any(|other| ptr::eq(*other, breaker)) {
                    breakers.push(breaker);
                }
            }
        }
        breakers
    }

    fn permits(&self) -> Result<SmallVec<[Permit<'_>; 2]>, Error> {
        let mut permits = SmallVec::new();
        let breakers = self.breakers();
        if breakers.is_empty() {
            return Ok(permits);
        }
        let now = self.attempt.backend().store().now();
        for breaker in breakers {
            let permit = breaker.try_acquire_at(now);
            let permit = permit.map_err(|left| Error::CircuitOpen { left })?;
            observe::breaker_changed(self.kind(), permit.change);
            permits.push(permit);
        }
        Ok(permits)
    }

    fn report_to_breaker(&self, permit: Permit<'_>, error: Option<&Error>) {
        let change = match error.map(Error::kind) {
            None => permit.success(),
            Some(ErrorKind::Connection | ErrorKind::Timeout) => {
                permit.failure(self.attempt.backend().store().now())
            }
            // The backend has answered, if not with a decision.
            Some(_) => None,
        };
        observe::breaker_changed(self.kind(), change);
    }
}
