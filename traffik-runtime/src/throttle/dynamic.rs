use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::decision::Decision;
use crate::definition::label::{check_label, default_label};
use crate::definition::lazy::Lazy;
use crate::definition::registry::registration::Registration;
use crate::definition::settings::Settings;
use crate::definition::shared_strategy::SharedStrategy;
use crate::definition::{Definition, limits};
use crate::engine::hit::Asked;
use crate::engine::{decide_alone, decide_at_once, decide_later, reserve, would_admit};
use crate::error::Error;
use crate::identity::Identity;
use crate::on_error::policy::Policy;
use crate::rate::Rate;
use crate::resilience::backoff::draw;
use crate::scope::Scope;
use crate::strategy::Strategy;
use crate::strategy::erased::Metadata;
use crate::throttle::deadline::{Deadline, wait};
use crate::throttle::reservation::Reservation;
use crate::throttle::stat::{Readings, Stat};

/// A throttle made at run time, for code without requests: jobs, queues, outbound calls. Clones share it.
///
/// ```
/// use traffik::{Backend, DynThrottle, Identity, strategy::TokenBucket};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let throttle = DynThrottle::builder("uploads")
///     .rate("20/minute".parse()?)
///     .strategy(TokenBucket::new().burst(40))
///     .backend(Backend::memory())
///     .build()?;
/// let user = Identity::new("user:7");
/// assert!(throttle.hit(&user, 40).await?.admitted);
/// assert!(!throttle.check(&user, 1).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DynThrottle {
    definition: Arc<Definition>,
}

impl DynThrottle {
    /// A throttle with this name, which is also its uid: on one backend, equal ones share their budgets. One of another
    /// rate or strategy can only have it on another backend, or when they are gone.
    #[track_caller]
    pub fn builder(uid: impl Into<String>) -> DynThrottleBuilder {
        DynThrottleBuilder {
            settings: Settings::at_run_time(uid.into(), Location::caller()),
        }
    }

    /// Takes a cost from a client's budget, if there is enough.
    ///
    /// # Errors
    ///
    /// When it cannot be decided. To be refused is no error, but a [`Decision`].
    pub async fn hit(&self, client: &Identity, cost: u64) -> Result<Decision, Error> {
        if let Some(decision) = decide_alone(&[self.asked(client, cost)], None) {
            return Ok(decision);
        }
        if let Some(decision) = decide_at_once(&[self.asked(client, cost)], None) {
            return decision;
        }
        decide_later(&[self.asked(client, cost)], None).await
    }

    /// Takes a cost as soon as there is room, and waits for it until a deadline: a moment, or a time from now. A decision
    /// that could only be had later is given at once, as a refusal; a queue's delay is waited for too.
    ///
    /// Whoever stops waiting takes nothing. Waiting is no queue: of those who wait, the first to ask again is the first
    /// to be admitted.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::{DynThrottle, Identity};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let calls = DynThrottle::builder("partner API").rate("50/second".parse()?).build()?;
    /// let decision = calls.wait(&Identity::everyone(), 1, Duration::from_secs(5)).await?;
    /// assert!(decision.admitted);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    pub async fn wait(
        &self,
        client: &Identity,
        cost: u64,
        deadline: impl Into<Deadline>,
    ) -> Result<Decision, Error> {
        let asked = [self.asked(client, cost)];
        wait(cost, deadline.into(), || reserve(&asked, None)).await
    }

    /// Takes an upper bound, to be settled when it is known what it had to be; nothing is left to settle where the
    /// [decision](Reservation::decision) is a refusal. A queue's delay is not waited for.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    pub async fn reserve(&self, client: &Identity, cost: u64) -> Result<Reservation, Error> {
        let (decision, held) = reserve(&[self.asked(client, cost)], None).await?;
        Ok(Reservation::new(held, decision, cost))
    }

    /// Whether a hit of this cost would be admitted now; takes nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    pub async fn check(&self, client: &Identity, cost: u64) -> Result<bool, Error> {
        would_admit(&[self.asked(client, 0)], None, cost).await
    }

    /// How a client stands; takes nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    pub async fn stat(&self, client: &Identity) -> Result<Stat<Metadata>, Error> {
        let asked = [self.asked(client, 0)];
        let mut readings = Box::pin(Readings::take(&asked, None)).await?;
        Ok(readings.next(self.definition.strategy()))
    }

    /// Returns how long to tell a refused client to wait: the decision's own wait, or `min_wait` if that
    /// is longer, and a random part of `spread`, drawn anew by each call. `None` if the hit can never be
    /// admitted; zero if it was.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::{DynThrottle, Identity};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let jobs = DynThrottle::builder("jobs").rate("1/hour".parse()?).spread(Duration::from_secs(5)).build()?;
    /// jobs.hit(&Identity::everyone(), 1).await?;
    /// let refused = jobs.hit(&Identity::everyone(), 1).await?;
    /// assert!(jobs.retry_after(&refused) >= refused.wait);
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry_after(&self, decision: &Decision) -> Option<Duration> {
        let wait = decision.wait?;
        if decision.admitted {
            return Some(wait);
        }
        let settings = &self.definition.settings;
        let least = settings.min_wait.unwrap_or_default();
        let spread = draw(settings.spread.unwrap_or_default());
        Some(wait.max(least).saturating_add(spread))
    }

    fn asked<'a>(&'a self, client: &'a Identity, cost: u64) -> Asked<'a> {
        Asked {
            definition: &self.definition,
            identity: client,
            cost,
            rate: None,
            scope: &Scope::Throttle,
        }
    }
}

/// Settings of a [`DynThrottle`].
#[derive(Debug)]
#[must_use]
pub struct DynThrottleBuilder {
    settings: Settings,
}

impl DynThrottleBuilder {
    /// The name of its policy in header fields and problems; default: the throttle's name.
    ///
    /// ```
    /// use traffik::DynThrottle;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("tenant-7/inserts").policy("inserts").rate("20/minute".parse()?).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn policy(mut self, name: impl Into<String>) -> Self {
        self.settings.registration.policy = Some(name.into().into());
        self
    }

    /// The rate; called again, one more, all decided together. At least one is needed.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.settings.registration.rates.to_mut().push(rate);
        self
    }

    /// The strategy; default [`FixedWindow`](crate::strategy::fixed_window::FixedWindow).
    pub fn strategy(mut self, strategy: impl Strategy) -> Self {
        self.settings.registration.strategy = SharedStrategy::Counted(Arc::new(strategy));
        self
    }

    /// The backend; default: the process's default, else the embedded one.
    pub fn backend(mut self, backend: impl Into<Backend>) -> Self {
        self.settings.backend = Lazy::from(backend.into());
        self
    }

    /// What happens when the backend fails; default: what the backend says, else
    /// [`throttle`](crate::on_error::policy::throttle).
    ///
    /// ```
    /// use traffik::{DynThrottle, failure::retry};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("uploads").rate("20/minute".parse()?).on_error(retry(2)).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_error(mut self, policy: impl Into<Policy>) -> Self {
        self.settings.on_error = Lazy::from(policy.into());
        self
    }

    /// How long a decision may take, retries and fallbacks included; default: what the backend says, else 250 ms.
    pub fn timeout(self, timeout: Duration) -> Self {
        let settings = self.settings.timeout(timeout);
        Self { settings }
    }

    /// Refuses nobody: hits are counted as far as the law admits them, and logged and measured where it would not.
    pub fn shadow(self) -> Self {
        let settings = self.settings.shadow();
        Self { settings }
    }

    /// What a client is told to wait at least when it is refused; default: as long as it really is, and 1 s where the
    /// backend failed and `on_error` is to throttle. A law's own [`Decision::wait`] stays exact.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::DynThrottle;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("uploads").rate("20/s".parse()?).min_wait(Duration::from_millis(500)).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn min_wait(self, wait: Duration) -> Self {
        let settings = self.settings.min_wait(wait);
        Self { settings }
    }

    /// Adds up to so much, evenly at random, to the wait that a refused client is told, so that clients
    /// that were refused together do not come back together; default: nothing. [`Decision::wait`] stays
    /// exact: [`DynThrottle::retry_after`] is the wait to tell.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::DynThrottle;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("uploads").rate("20/s".parse()?).spread(Duration::from_secs(5)).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spread(self, spread: Duration) -> Self {
        let settings = self.settings.spread(spread);
        Self { settings }
    }

    /// Sets the value of the label `throttle` in metrics, at most 255 bytes; default: the part of the uid before its first
    /// single colon, `tenant` of `tenant:42`, or else the whole uid. Throttles of one label are counted together. Logs, events
    /// and the registry have the uid.
    ///
    /// A process has at most 1000 labels of throttles that were built at run time; those that come later are counted under
    /// `other`. The counters of a label are dropped with the last clone of its last throttle. The `metrics` facade cannot
    /// remove a series from a recorder: one that should end is ended by the recorder, such as by the idle timeout of the
    /// exporter for Prometheus.
    ///
    /// ```
    /// use traffik::DynThrottle;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tenant = DynThrottle::builder("tenant/42").rate("20/s".parse()?).label("tenant").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.settings.label = Some(label.into());
        self
    }

    /// The throttle.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if it has no name, one of more than 255 bytes, such a policy, a label that is empty or as long, or no rate, if the strategy and a rate do not go together, or if another
    /// throttle of this name on the same backend has another rate or strategy. What is legal but was hardly meant, such as a rate that another
    /// in the list makes unreachable, is logged at `warn`.
    pub fn build(self) -> Result<DynThrottle, Error> {
        let Self { settings } = self;
        let Registration {
            uid,
            rates,
            strategy,
            ..
        } = &settings.registration;
        if uid.is_empty() {
            return Err(Error::configuration("", "its name is empty; give it one"));
        }
        if let Some(label) = &settings.label {
            check_label(label).map_err(|message| Error::configuration(uid, message))?;
        }
        if rates.is_empty() {
            return Err(Error::configuration(
                uid,
                "it has no rate; add `.rate(\"100/minute\".parse()?)`",
            ));
        }
        limits::check(uid, strategy.get(), rates)?;
        let label = settings.label.clone();
        let label = label.unwrap_or_else(|| default_label(uid).to_owned());
        let definition = Definition::new(settings);
        definition.terms()?;
        // Only now, so that a throttle that cannot be built takes no place among the labels.
        let definition = Arc::new(definition.with_label(&label));
        Ok(DynThrottle { definition })
    }
}
