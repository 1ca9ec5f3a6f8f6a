//! A throttle that is built at run time, and its builder.

use std::borrow::Cow;
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
use crate::engine::cost_source::CostSource;
use crate::engine::fast_path::decide_direct;
use crate::engine::hit::{HitRef, ThrottleHit};
use crate::engine::hit_set::DirectHit;
use crate::engine::{decide_in_batch, fast_set, look, reserve, would_admit};
use crate::error::Error;
use crate::flow::Flow;
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

/// A throttle that is built at run time, for code without requests: jobs, queues, outbound calls.
/// Clones share it.
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
    /// Creates a builder of a throttle with this uid, which is also its name. On one backend,
    /// throttles of one uid and one definition share their budgets. A throttle of another rate or
    /// strategy can have the uid on another backend, or when the others are dropped.
    #[track_caller]
    pub fn builder(uid: impl Into<String>) -> DynThrottleBuilder {
        DynThrottleBuilder {
            settings: Settings::at_run_time(uid.into(), Location::caller()),
        }
    }

    /// Counts a cost for a client, if its budget allows it.
    ///
    /// # Errors
    ///
    /// If no decision can be made. A refusal is a [`Decision`], not an error.
    pub async fn hit(&self, client: &Identity, cost: u64) -> Result<Decision, Error> {
        let hit = HitRef {
            throttle: &self.definition,
            identity: client,
            cost,
            scope: &Scope::Throttle,
            parts: None,
        };
        if let Some(decision) = decide_direct(hit) {
            return Ok(decision);
        }
        if let Some(decision) = fast_set::decide(&[hit]) {
            return Ok(decision);
        }
        // Nothing but the pending future lives across the await, so that this future stays small.
        let pending = match decide_in_batch(self.hit_of(client, cost), None) {
            Flow::Ready((_, decision)) => return decision,
            Flow::Pending(pending) => pending,
        };
        pending.await.1
    }

    /// Waits until a hit of this cost is admitted, at the longest until a deadline: a moment, or a
    /// time from now. The wait includes the delay of a strategy with a queue. If a hit cannot be
    /// admitted before the deadline, the refusal is returned at once.
    ///
    /// Dropping the future counts nothing. Waiting hits are not queued: the first that tries again
    /// is the first that is admitted.
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
    /// If no decision can be made.
    pub async fn wait(
        &self,
        client: &Identity,
        cost: u64,
        deadline: impl Into<Deadline>,
    ) -> Result<Decision, Error> {
        let hit = || async { reserve(self.hit_of(client, cost), None).await.1 };
        wait(cost, deadline.into(), hit).await
    }

    /// Reserves `cost` units; settle the reservation with the number that was used. If the
    /// [decision](Reservation::decision) is a refusal, there is nothing to settle. Does not wait
    /// for the delay of a strategy with a queue.
    ///
    /// # Errors
    ///
    /// If no decision can be made.
    pub async fn reserve(&self, client: &Identity, cost: u64) -> Result<Reservation, Error> {
        let (decision, hold) = reserve(self.hit_of(client, cost), None).await.1?;
        Ok(Reservation::new(hold, decision, cost))
    }

    /// Returns `true` if a hit of this cost would be admitted now. Counts nothing.
    ///
    /// # Errors
    ///
    /// If no decision can be made.
    pub async fn check(&self, client: &Identity, cost: u64) -> Result<bool, Error> {
        let hit = self.hit_of(client, 0);
        Box::pin(would_admit(&hit.0, None, cost)).await
    }

    /// Returns the state of a client. Counts nothing.
    ///
    /// # Errors
    ///
    /// If the state cannot be read.
    pub async fn stat(&self, client: &Identity) -> Result<Stat<Metadata>, Error> {
        let hit = self.hit_of(client, 0);
        let look = look(&hit.0, None).await?;
        Ok(Readings::new(look.into_states()?).next(self.definition.strategy()))
    }

    /// Returns the wait to report to a refused client: that of the decision, or `min_wait` if it is
    /// longer, and a random part of `spread`, which each call draws anew. `None` if the hit can
    /// never be admitted; zero if it was admitted.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::{DynThrottle, Identity};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let jobs = DynThrottle::builder("jobs").rate("1/hour".parse()?);
    /// let jobs = jobs.spread(Duration::from_secs(5)).build()?;
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

    fn hit_of<'a>(&'a self, client: &'a Identity, cost: u64) -> DirectHit<'a> {
        DirectHit([ThrottleHit {
            throttle: &self.definition,
            identity: Cow::Borrowed(client),
            cost,
            cost_source: CostSource::Head,
            rate: None,
            scope: Scope::Throttle,
            applies: true,
        }])
    }
}

/// A builder of a [`DynThrottle`].
#[derive(Debug)]
#[must_use]
pub struct DynThrottleBuilder {
    settings: Settings,
}

impl DynThrottleBuilder {
    /// Sets the name of the policy in header fields and problems; default: the uid.
    ///
    /// ```
    /// use traffik::DynThrottle;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("tenant-7/inserts")
    ///     .policy("inserts")
    ///     .rate("20/minute".parse()?)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn policy(mut self, name: impl Into<String>) -> Self {
        self.settings.registration.policy = Some(name.into().into());
        self
    }

    /// Adds a rate; at least one is needed. Several rates are decided together.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.settings.registration.rates.to_mut().push(rate);
        self
    }

    /// Sets the strategy; default: [`FixedWindow`](crate::strategy::fixed_window::FixedWindow).
    pub fn strategy(mut self, strategy: impl Strategy) -> Self {
        self.settings.registration.strategy = SharedStrategy::Counted(Arc::new(strategy));
        self
    }

    /// Sets the backend; default: the default of the process, or else the embedded one.
    pub fn backend(mut self, backend: impl Into<Backend>) -> Self {
        self.settings.backend = Lazy::from(backend.into());
        self
    }

    /// Sets the policy for a backend that fails; default: that of the backend, or else
    /// [`throttle`](crate::on_error::policy::throttle).
    ///
    /// ```
    /// use traffik::{DynThrottle, failure::retry};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("uploads")
    ///     .rate("20/minute".parse()?)
    ///     .on_error(retry(2))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_error(mut self, policy: impl Into<Policy>) -> Self {
        self.settings.on_error = Lazy::from(policy.into());
        self
    }

    /// Sets the time that a decision may take, with its retries and fallbacks; default: that of the
    /// backend, or else 250 ms.
    pub fn timeout(self, timeout: Duration) -> Self {
        let settings = self.settings.timeout(timeout);
        Self { settings }
    }

    /// Sets the life of leases, by which this process admits the hits of clients that hit often
    /// without a call of a shared store; default: that of the backend.
    /// [`Duration::ZERO`] switches them off. See [`Backend::lease`] for what they give up.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::DynThrottle;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("searches")
    ///     .rate("10000/s".parse()?)
    ///     .lease(Duration::from_millis(200))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`build`](Self::build) fails for a strategy whose quota cannot be leased.
    pub fn lease(self, life: Duration) -> Self {
        let settings = self.settings.lease(life);
        Self { settings }
    }

    /// Makes the throttle refuse no hit: it counts hits that the law admits, and logs and measures
    /// those that it would refuse.
    pub fn shadow(self) -> Self {
        let settings = self.settings.shadow();
        Self { settings }
    }

    /// Sets the minimum of the wait that is reported to a refused client; default: none, and 1 s if
    /// the backend failed and the policy is to throttle. [`Decision::wait`] stays exact.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::DynThrottle;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("uploads")
    ///     .rate("20/s".parse()?)
    ///     .min_wait(Duration::from_millis(500))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn min_wait(self, wait: Duration) -> Self {
        let settings = self.settings.min_wait(wait);
        Self { settings }
    }

    /// Sets the maximum of the time that is added to the wait of a refused client, evenly at
    /// random, so that clients that were refused together do not come back together; default: none.
    /// [`Decision::wait`] stays exact; [`DynThrottle::retry_after`] returns the wait to report.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::DynThrottle;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("uploads")
    ///     .rate("20/s".parse()?)
    ///     .spread(Duration::from_secs(5))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spread(self, spread: Duration) -> Self {
        let settings = self.settings.spread(spread);
        Self { settings }
    }

    /// Sets the value of the label `throttle` in metrics, at most 255 bytes; default: the part of
    /// the uid before its first single colon, `tenant` of `tenant:42`, or else the whole uid.
    /// Throttles of one label are counted together. Logs, events and the registry have the uid.
    ///
    /// A process has at most 1000 labels of throttles that were built at run time; later ones are
    /// counted under `other`. The counters of a label are dropped with the last clone of its last
    /// throttle. The `metrics` facade cannot remove a series from a recorder; the recorder ends it,
    /// for example by the idle timeout of the exporter for Prometheus.
    ///
    /// ```
    /// use traffik::DynThrottle;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tenant = DynThrottle::builder("tenant/42")
    ///     .rate("20/s".parse()?)
    ///     .label("tenant")
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.settings.label = Some(label.into());
        self
    }

    /// Builds the throttle, and registers it. Settings that are legal but probably not meant, such
    /// as a rate that another one makes unreachable, are logged at `warn`.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the uid, the policy or the label is empty or has more than 255
    /// bytes, if there is no rate, if the strategy cannot have a rate or a lease, or if another
    /// throttle of this uid on the same backend has another rate or strategy.
    pub fn build(self) -> Result<DynThrottle, Error> {
        let Self { settings } = self;
        let Registration {
            uid,
            rates,
            strategy,
            ..
        } = &settings.registration;
        if uid.is_empty() {
            return Err(Error::configuration(
                "",
                "its uid is empty; pass one to `DynThrottle::builder`",
            ));
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
        limits::check_lease(uid, strategy.get(), settings.lease)?;
        let label = settings.label.clone();
        let label = label.unwrap_or_else(|| default_label(uid).to_owned());
        let definition = Definition::new(settings);
        definition.limits()?;
        // Only now, so that a throttle that cannot be built takes no place among the labels.
        let definition = Arc::new(definition.with_label(&label));
        Ok(DynThrottle { definition })
    }
}
