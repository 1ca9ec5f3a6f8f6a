//! How a decision gets past a backend that fails.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use smallvec::SmallVec;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::backend::backend_ref::BackendRef;
use crate::error::{Error, ErrorKind};
use crate::on_error::policy::{LastResort, Policy};
use crate::on_error::step::{FallbackStep, Step};
use crate::on_error::verdict::{Failure, Verdict};
use crate::resilience::backoff::Backoff;
use crate::resilience::breaker::{CircuitBreaker, Permit};
use crate::store::handle::StoreHandle;
use crate::{observe, timer};

/// What is asked of a backend, and may be asked again or of another one.
pub(crate) trait Attempt: Sync {
    /// What a backend says.
    type Said: Send;

    /// Whose it is.
    fn members(&self) -> &impl Members;

    /// Whom to ask first.
    fn backend(&self) -> &BackendRef<'_>;

    /// Asks the first backend, for as long as somebody waits: until a moment, if there is one.
    fn ask(&self, until: Option<Instant>)
    -> impl Future<Output = Result<Self::Said, Error>> + Send;

    /// Asks another one, for the share of one of so many processes.
    fn ask_other(
        &self,
        other: &Arc<StoreHandle>,
        instances: u32,
        until: Option<Instant>,
    ) -> impl Future<Output = Result<Self::Said, Error>> + Send;

    /// Whether it is a refusal.
    fn is_refusal(said: &Self::Said) -> bool;

    /// How long what was taken matters; nothing if nothing was.
    fn matters(said: &Self::Said) -> Option<Duration>;

    /// What another backend in this process says if, by what was taken from it before, it refuses.
    fn held_by(&self, other: &Arc<StoreHandle>) -> Option<Self::Said>;

    /// Takes the same from another backend in this process, and adds that to what was said; if there is no room any more,
    /// what that says.
    fn take_too(&self, said: &mut Self::Said, other: &Arc<StoreHandle>) -> Option<Self::Said>;
}

/// Those who ask, each by its place.
pub(crate) trait Members: Sync {
    /// What a handler is told of a member.
    fn failure<'f>(&'f self, member: usize, error: &'f Error, backend: &'static str)
    -> Failure<'f>;

    /// The uid of a member.
    fn uid(&self, member: usize) -> &str;

    /// Returns what metrics call a member.
    fn label(&self, member: usize) -> &str;

    /// What a member's client is told to wait where nothing else is said.
    fn least_wait(&self, member: usize) -> Duration;
}

/// A policy, and the members of the set whose it is.
#[derive(Debug)]
pub(crate) struct Remedy<'a> {
    pub(crate) policy: Cow<'a, Policy>,
    pub(crate) members: SmallVec<[usize; 4]>,
}

/// What has become of it.
#[derive(Debug)]
pub(crate) enum Ruling<T> {
    /// A backend has decided.
    Decided(T),
    /// None has, because of this, and it is admitted.
    Allowed(Error),
    /// None has, because of this, and it is refused for so long.
    Throttled(Duration, Error),
}

/// What came of a policy.
enum Came<T> {
    /// The first backend has decided after all.
    First(T),
    /// Another one has.
    Other(T),
    /// None has.
    Verdict(Verdict, Option<Error>),
}

/// Asks the backend, and lets the policies see to it that there is an answer within this time. Each is asked about the
/// whole set, and the strictest answer holds: raise, throttle, a refusal, an admission, allow.
///
/// # Errors
///
/// What is wrong, where the answer is to raise it.
pub(crate) async fn resolve<A: Attempt>(
    attempt: &A,
    remedies: &[Remedy<'_>],
    budget: Duration,
) -> Result<Ruling<A::Said>, Error> {
    let run = Run {
        attempt,
        remedies,
        deadline: Instant::now().checked_add(budget),
    };
    for (remedy, fallback) in run.warm() {
        if let Some(said) = attempt.held_by(&fallback.store) {
            run.fell_back(remedy, fallback);
            return Ok(Ruling::Decided(said));
        }
    }
    let turns = remedies
        .iter()
        .map(|remedy| turns(remedy.policy.steps()))
        .max();
    match run.first(turns.unwrap_or_default()).await {
        Ok(said) if A::is_refusal(&said) => Ok(Ruling::Decided(said)),
        Ok(mut said) => {
            // Others may have been faster since it was looked at: then what was said is dropped, and so refunded.
            let refused = run.warm().find_map(|(remedy, fallback)| {
                let refused = attempt.take_too(&mut said, &fallback.store)?;
                run.fell_back(remedy, fallback);
                Some(refused)
            });
            Ok(Ruling::Decided(refused.unwrap_or(said)))
        }
        Err(error) => run.remedy(error).await,
    }
}

/// How many times there is something to wait for once more after the first has not answered.
fn turns(steps: &[Step]) -> u32 {
    steps.iter().map(Step::blocking_attempts).sum()
}

struct Run<'r, A> {
    attempt: &'r A,
    remedies: &'r [Remedy<'r>],
    /// None if it is beyond what a clock can tell.
    deadline: Option<Instant>,
}

impl<A: Attempt> Run<'_, A> {
    /// The fallbacks from which something was taken that may still hold, each with the policy it belongs to.
    fn warm(&self) -> impl Iterator<Item = (&Remedy<'_>, &FallbackStep)> {
        let remedies = self.remedies.iter();
        let steps = remedies
            .flat_map(|remedy| remedy.policy.steps().iter().map(move |step| (remedy, step)));
        let fallbacks = steps.filter_map(|(remedy, step)| Some((remedy, step.fallback()?)));
        fallbacks.filter(|(_, fallback)| fallback.is_warm())
    }

    /// Reports that a fallback has decided.
    fn fell_back(&self, remedy: &Remedy<'_>, fallback: &FallbackStep) {
        observe::fell_back(self.uid(remedy), self.label(remedy), fallback.store.kind());
    }

    /// Every breaker that is in front of the first backend, once.
    fn breakers(&self) -> SmallVec<[&CircuitBreaker; 2]> {
        let mut breakers: SmallVec<[&CircuitBreaker; 2]> = SmallVec::new();
        for step in self
            .remedies
            .iter()
            .flat_map(|remedy| remedy.policy.steps())
        {
            if let Step::Failover(failover) = step {
                let breaker = failover.breaker.get();
                if !breakers.iter().any(|known| std::ptr::eq(*known, breaker)) {
                    breakers.push(breaker);
                }
            }
        }
        breakers
    }

    /// Asks the first backend, if no breaker is open, and leaves time for so many turns.
    async fn first(&self, turns: u32) -> Result<A::Said, Error> {
        let permits = self.permits()?;
        let result = self.limited(turns, |until| self.attempt.ask(until)).await;
        for permit in permits {
            self.judge(permit, result.as_ref().err());
        }
        result
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

    fn judge(&self, permit: Permit<'_>, error: Option<&Error>) {
        let change = match error.map(Error::kind) {
            None => permit.success(),
            Some(ErrorKind::Connection | ErrorKind::Timeout) => {
                permit.failure(self.attempt.backend().store().now())
            }
            // It has answered, if nothing sensible.
            Some(_) => None,
        };
        observe::breaker_changed(self.kind(), change);
    }

    async fn remedy(&self, error: Error) -> Result<Ruling<A::Said>, Error> {
        observe::backend_failed(self.kind(), &error);
        let (mut strictest, mut latest) = (Verdict::Allow, None);
        let simple = |remedy: &&Remedy<'_>| remedy.policy.steps().is_empty();
        for remedy in self.remedies.iter().filter(simple) {
            let verdict = self.verdict(remedy, &error, self.kind()).await;
            strictest = stricter(strictest, verdict);
        }
        let mut decided = None;
        for remedy in self.remedies.iter().filter(|remedy| !simple(remedy)) {
            if strictest != Verdict::Allow {
                // Nothing is asked any more, for it is refused whatever the answer is.
                let raises = matches!(remedy.policy.last_resort(), LastResort::Raise);
                strictest = if raises { Verdict::Raise } else { strictest };
                continue;
            }
            match self.follow(remedy, &error).await {
                Came::First(said) => return Ok(Ruling::Decided(said)),
                Came::Other(said) if A::is_refusal(&said) => return Ok(Ruling::Decided(said)),
                Came::Other(said) => decided = Some(said),
                Came::Verdict(verdict, error) => {
                    strictest = stricter(strictest, verdict);
                    latest = error.or(latest);
                }
            }
        }
        let error = latest.unwrap_or(error);
        match (strictest, decided) {
            (Verdict::Raise, _) => Err(error),
            (Verdict::Throttle(wait), _) => Ok(Ruling::Throttled(wait, error)),
            (Verdict::Allow, Some(said)) => Ok(Ruling::Decided(said)),
            (Verdict::Allow, None) => Ok(Ruling::Allowed(error)),
        }
    }

    /// Goes through a policy and those behind it until one has an answer.
    async fn follow(&self, remedy: &Remedy<'_>, first: &Error) -> Came<A::Said> {
        let mut latest: Option<Error> = None;
        let mut backend = self.kind();
        let steps = remedy.policy.steps();
        for (nth, step) in steps.iter().enumerate() {
            let error = latest.as_ref().unwrap_or(first);
            let later = turns(&steps[nth + 1..]);
            let retried = match step {
                Step::Retry(retry) => {
                    let tries = Tries {
                        most: retry.max_retries,
                        wait: retry.blocking_attempts() > 0,
                        later,
                    };
                    self.again(remedy, tries, &retry.backoff, error, |error| {
                        retry.retries(error)
                    })
                    .await
                }
                Step::Failover(failover) => {
                    let tries = Tries {
                        most: failover.max_retries,
                        wait: false,
                        later: later + failover.fallback.blocking_attempts(),
                    };
                    self.again(remedy, tries, &failover.backoff, error, certain)
                        .await
                }
                Step::Fallback(_) => Err(None),
            };
            match retried {
                Ok(said) => return Came::First(said),
                Err(error) => latest = error.or(latest),
            }
            let Some(fallback) = step.fallback() else {
                continue;
            };
            if !fallback.on.matches(latest.as_ref().unwrap_or(first)) {
                continue;
            }
            match self.other(remedy, fallback, later).await {
                Ok(said) => return Came::Other(said),
                Err(error) => {
                    backend = fallback.store.kind();
                    observe::backend_failed(backend, &error);
                    latest = Some(error);
                }
            }
        }
        let error = latest.as_ref().unwrap_or(first);
        let verdict = self.verdict(remedy, error, backend).await;
        Came::Verdict(verdict, latest)
    }

    /// Asks the first backend again.
    ///
    /// # Errors
    ///
    /// The last one, if it was asked at all.
    async fn again(
        &self,
        remedy: &Remedy<'_>,
        tries: Tries,
        backoff: &Backoff,
        first: &Error,
        takes: impl Fn(&Error) -> bool,
    ) -> Result<A::Said, Option<Error>> {
        let mut latest = None;
        for retry in 0..tries.most {
            let error = latest.as_ref().unwrap_or(first);
            if !takes(error) || !self.pause(backoff.delay(retry)).await {
                break;
            }
            observe::retried(self.uid(remedy), self.label(remedy), self.kind());
            let more = if tries.wait {
                tries.most - retry - 1
            } else {
                0
            };
            match self.first(more + tries.later).await {
                Ok(said) => return Ok(said),
                Err(error) => {
                    observe::backend_failed(self.kind(), &error);
                    latest = Some(error);
                }
            }
        }
        Err(latest)
    }

    /// Asks another backend.
    async fn other(
        &self,
        remedy: &Remedy<'_>,
        fallback: &FallbackStep,
        turns: u32,
    ) -> Result<A::Said, Error> {
        let FallbackStep {
            store, instances, ..
        } = fallback;
        let ask = |until| self.attempt.ask_other(store, *instances, until);
        let said = self.limited(turns, ask).await?;
        if let (true, Some(time)) = (store.is_local(), A::matters(&said)) {
            fallback.keep_warm(time);
        }
        self.fell_back(remedy, fallback);
        Ok(said)
    }

    /// What the last policy of a remedy says.
    async fn verdict(&self, remedy: &Remedy<'_>, error: &Error, backend: &'static str) -> Verdict {
        match remedy.policy.last_resort() {
            LastResort::Custom(handler) => {
                let mut strictest = Verdict::Allow;
                for member in &remedy.members {
                    let failure = self.attempt.members().failure(*member, error, backend);
                    strictest = stricter(strictest, handler.on_error(&failure).await);
                }
                strictest
            }
            // A mistake is told to whoever made it.
            _ if !error.is_transient() => Verdict::Raise,
            LastResort::Allow => Verdict::Allow,
            LastResort::Throttle(Some(wait)) => Verdict::Throttle(*wait),
            LastResort::Throttle(None) => {
                let members = remedy.members.iter();
                let waits = members.map(|member| self.attempt.members().least_wait(*member));
                Verdict::Throttle(waits.max().unwrap_or_default())
            }
            LastResort::Raise => Verdict::Raise,
        }
    }

    /// What is left of the time, if it has an end.
    fn left(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Waits, unless there would be no time left; whether it did.
    async fn pause(&self, pause: Duration) -> bool {
        if self.left().is_some_and(|left| left <= pause) {
            return false;
        }
        pause.is_zero() || timer::sleep(pause).await.is_ok()
    }

    /// What comes within its share of the time, which is to last for so many turns more. What is there at once is there.
    async fn limited<T, F>(
        &self,
        turns: u32,
        ask: impl FnOnce(Option<Instant>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let after = self.left().map(|left| left / turns.saturating_add(1));
        let until = after.and_then(|after| Instant::now().checked_add(after));
        let mut answer = pin!(ask(until));
        let at_once = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context)));
        if let Poll::Ready(answer) = at_once.await {
            return answer;
        }
        match (after, until) {
            (Some(after), Some(until)) if Handle::try_current().is_ok() => {
                timer::check()?;
                let late = |_| Err(Error::Timeout { after });
                timeout_at(until, answer).await.unwrap_or_else(late)
            }
            _ => answer.await,
        }
    }

    fn kind(&self) -> &'static str {
        self.attempt.backend().store().kind()
    }

    /// The first throttle whose policy it is.
    fn uid(&self, remedy: &Remedy<'_>) -> &str {
        let member = remedy.members.first().copied();
        self.attempt.members().uid(member.unwrap_or_default())
    }

    /// Returns what metrics call the first throttle whose policy it is.
    fn label(&self, remedy: &Remedy<'_>) -> &str {
        let member = remedy.members.first().copied();
        self.attempt.members().label(member.unwrap_or_default())
    }
}

/// How often the first backend is asked again.
#[derive(Clone, Copy)]
struct Tries {
    most: u32,
    /// Whether each may have to be waited for.
    wait: bool,
    /// How many turns come after them.
    later: u32,
}

/// Whether an error certainly left nothing behind, and may pass.
fn certain(error: &Error) -> bool {
    error.is_transient() && !error.may_have_counted() && !error.is_open_circuit()
}

fn stricter(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Raise, _) | (_, Verdict::Raise) => Verdict::Raise,
        (Verdict::Throttle(one), Verdict::Throttle(other)) => Verdict::Throttle(one.max(other)),
        (throttle @ Verdict::Throttle(_), Verdict::Allow)
        | (Verdict::Allow, throttle @ Verdict::Throttle(_)) => throttle,
        (Verdict::Allow, Verdict::Allow) => Verdict::Allow,
    }
}
