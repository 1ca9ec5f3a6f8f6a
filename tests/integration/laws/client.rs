//! A client of a throttle, for tests of single examples.

use std::time::Duration;

use traffik::strategy::Strategy;
use traffik::{Backend, Decision, DynThrottle, Identity, ManualClock, Stat};
use traffik_tests::poll_once;

/// A client and its clock, which starts as [`ManualClock`] says: at a window start of whole seconds
/// that divide 10^9, and of their decimal parts.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) throttle: DynThrottle,
    pub(crate) clock: ManualClock,
    pub(crate) identity: Identity,
    backend: Backend,
    start: Duration,
}

impl Client {
    /// Creates a client of a throttle with a strategy; several rates are separated by `;`.
    pub(crate) fn of(strategy: impl Strategy, rates: &str) -> Self {
        let clock = ManualClock::new();
        let backend = Backend::memory().clock(clock.clone());
        let builder = DynThrottle::builder("story")
            .strategy(strategy)
            .backend(backend.clone());
        let rates = rates.split(';').map(|rate| rate.parse().expect("a rate"));
        let builder = rates.fold(builder, traffik::DynThrottleBuilder::rate);
        Self {
            throttle: builder.build().expect("a throttle that works"),
            start: clock.now(),
            clock,
            backend,
            identity: Identity::new("client"),
        }
    }

    /// Returns the client after a throttle of these rates, under fixed windows, has replaced its
    /// own.
    pub(crate) fn under(self, rates: &str) -> Self {
        let Self {
            throttle,
            clock,
            identity,
            backend,
            start,
        } = self;
        drop(throttle);
        let builder = DynThrottle::builder("story").backend(backend.clone());
        let rates = rates.split(';').map(|rate| rate.parse().expect("a rate"));
        let builder = rates.fold(builder, traffik::DynThrottleBuilder::rate);
        Self {
            throttle: builder.build().expect("a throttle that works"),
            clock,
            identity,
            backend,
            start,
        }
    }

    /// Returns another client of the throttle.
    pub(crate) fn other(&self, identity: impl Into<Identity>) -> Self {
        Self {
            identity: identity.into(),
            ..self.clone()
        }
    }

    /// Sets the clock to this many microseconds after the start.
    pub(crate) fn at(&self, micros: u64) -> &Self {
        self.clock.set(self.start + Duration::from_micros(micros));
        self
    }

    /// Sets the clock to this many milliseconds after the start.
    pub(crate) fn at_ms(&self, millis: u64) -> &Self {
        self.at(millis * 1_000)
    }

    pub(crate) fn hit(&self, cost: u64) -> Decision {
        poll_once(self.throttle.hit(&self.identity, cost)).expect("memory always answers")
    }

    pub(crate) fn admits(&self, cost: u64) -> bool {
        self.hit(cost).admitted
    }

    /// Returns how many of several hits of cost 1 are admitted.
    pub(crate) fn admitted_of(&self, hits: u64) -> usize {
        (0..hits).filter(|_| self.admits(1)).count()
    }

    pub(crate) fn check(&self, cost: u64) -> bool {
        poll_once(self.throttle.check(&self.identity, cost)).expect("memory always answers")
    }

    pub(crate) fn stat(&self) -> Stat<traffik::strategy::Metadata> {
        poll_once(self.throttle.stat(&self.identity)).expect("memory always answers")
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.stat().hits_remaining
    }

    /// Returns the metadata as a strategy's type `M`.
    pub(crate) fn metadata<M: Clone + 'static>(&self) -> M {
        let metadata = self.stat().metadata;
        metadata
            .downcast_ref::<M>()
            .expect("metadata of that strategy")
            .clone()
    }
}

/// Returns a duration of microseconds.
pub(crate) const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// Returns a wait of microseconds.
#[expect(clippy::unnecessary_wraps, reason = "it is compared with waits")]
pub(crate) const fn wait(of: u64) -> Option<Duration> {
    Some(micros(of))
}
