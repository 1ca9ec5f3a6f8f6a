//! The subjects of the tests: a strategy as a pure function, and as a throttle on a backend.

use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use traffik::strategy::{self, Hit, Strategy, Who};
use traffik::{Backend, Decision, DynThrottle, DynThrottleBuilder, Error, Identity, ManualClock};
use traffik::{Rate, Report, Reservation, registry};
use traffik_tests::poll_once;

use super::oracle::{Adaptive, Fact, Int, Law, Rule, TIERS, Value, Verdict};

/// Code under test that decides as a law does.
pub(crate) trait Subject {
    /// Switches to a law at a rate, or to the client of a law.
    fn under(&mut self, rate: Rate, law: Law);

    fn hit(&mut self, now: Int, cost: u64) -> Verdict;

    /// Returns the report of `stat`.
    fn standing(&mut self, now: Int) -> Standing;

    /// The last moment that the subject distinguishes from its neighbours.
    fn horizon(&self) -> Int {
        Int::MAX
    }

    /// Returns the metadata of `stat`.
    fn facts(&mut self, now: Int) -> serde_json::Value;
}

/// The part of a stat that all strategies have. Times are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) remaining: Int,
    pub(crate) wait: Option<Int>,
    pub(crate) reset: Int,
}

/// A strategy with a law's parameters.
pub(crate) trait FromLaw: Strategy<State: Clone> {
    fn of(law: Law) -> Self;
}

/// Binds the strategy of a law, whose type has states of its own.
macro_rules! with_strategy {
    ($law:expr, $strategy:ident => $body:expr) => {
        with_strategy!(@ $law, $strategy => $body,
            FixedWindow SlidingCounter TokenBucket Gcra LeakyBucket LeakyBucketWithQueue SlidingLog Priority Tiered
            TimeOfDay QuotaWithRollover Adaptive CostBasedTokenBucket)
    };
    (@ $law:expr, $strategy:ident => $body:expr, $($name:ident)+) => {
        match $law {
            $(law @ Law::$name { .. } => {
                let $strategy = <::traffik::strategy::$name as $crate::laws::subject::FromLaw>::of(law);
                $body
            })+
        }
    };
}
pub(crate) use with_strategy;

/// Implements the conversion of laws into strategies.
macro_rules! of {
    ($($strategy:ident: $law:pat => $made:expr,)+) => {$(
        impl FromLaw for strategy::$strategy {
            fn of(law: Law) -> Self {
                let $law = law else { panic!("{law:?} is another law") };
                $made
            }
        }
    )+};
}

of! {
    FixedWindow: Law::FixedWindow => Self::new(),
    SlidingCounter: Law::SlidingCounter => Self::new(),
    TokenBucket: Law::TokenBucket { burst, debt } => {
        let bucket = Self::new().debt(debt);
        burst.map_or(bucket, |burst| bucket.burst(burst))
    },
    Gcra: Law::Gcra { tolerance } => Self::new().burst_tolerance(Duration::from_micros(tolerance)),
    LeakyBucket: Law::LeakyBucket { capacity } => {
        capacity.map_or(Self::new(), |capacity| Self::new().capacity(capacity))
    },
    LeakyBucketWithQueue: Law::LeakyBucketWithQueue { size } => {
        size.map_or(Self::new(), |size| Self::new().queue_size(size))
    },
    SlidingLog: Law::SlidingLog => Self::new(),
    Priority: Law::Priority { shares: [low, normal, high, critical], .. } => {
        let some = Self::new().low(number(low)).normal(number(normal));
        some.high(number(high)).critical(number(critical))
    },
    Tiered: Law::Tiered { multipliers, .. } => {
        let tiers = TIERS.into_iter().zip(multipliers).rev();
        let tiered = tiers.fold(Self::new(), |tiered, (tier, factor)| tiered.tier(tier, number(factor)));
        tiered.default_tier(TIERS[0])
    },
    TimeOfDay: Law::TimeOfDay { rules, offset } => {
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let sign = if offset < 0 { '-' } else { '+' };
        let hours = Self::new().utc_offset(&format!("{sign}{}", time(offset.unsigned_abs())));
        rules.into_iter().flatten().fold(hours, |hours, Rule { start, end, factor }| {
            hours.window(&format!("{}-{}", time(start), time(end)), number(factor))
        })
    },
    QuotaWithRollover: Law::QuotaWithRollover { percent, max } => Self::new().percent(number(percent)).max(max),
    Adaptive: Law::Adaptive(Adaptive { threshold, reduction, recovery, min, load: signal }) => {
        let adaptive = Self::new().threshold(number(threshold)).reduction(number(reduction));
        let adaptive = adaptive.recovery(number(recovery)).min(number(min));
        signal.map_or(adaptive, |_| adaptive.load(load))
    },
    CostBasedTokenBucket: Law::CostBasedTokenBucket { burst, window, min_refill } => {
        let bucket = Self::new().window(window).min_refill(number(min_refill * 1_000));
        burst.map_or(bucket, |burst| bucket.burst(burst))
    },
}

/// Converts millionths into the number that a user would write.
fn number(millionths: u64) -> f64 {
    millionths as f64 / 1e6
}

thread_local! {
    static LOAD: Cell<f64> = const { Cell::new(0.0) };
}

/// Returns the signal of adaptive laws.
fn load() -> f64 {
    LOAD.get()
}

/// Sets the signal of a law.
fn set_load(law: Law) {
    if let Law::Adaptive(Adaptive {
        load: Some(load), ..
    }) = law
    {
        LOAD.set(number(load));
    }
}

/// Returns the client of a law.
fn who(law: Law) -> Who<'static> {
    match law {
        Law::Tiered { who, .. } => Who {
            tier: who,
            ..Who::default()
        },
        Law::Priority { who, .. } => Who {
            priority: who,
            ..Who::default()
        },
        _ => Who::default(),
    }
}

/// The state of all built-in strategies.
type BuiltIn = <strategy::FixedWindow as Strategy>::State;

/// A strategy with its last state, which is kept as long as a store would keep it.
#[derive(Debug)]
pub(crate) struct Pure<S: Strategy> {
    pub(crate) strategy: S,
    pub(crate) rate: Rate,
    pub(crate) state: Option<S::State>,
    /// The time at which the state expires, unless a hit under a rate that needs it for longer
    /// reads it earlier (L30).
    pub(crate) life: Int,
    who: Who<'static>,
}

impl<S: Strategy> Pure<S> {
    pub(crate) fn new(strategy: S, rate: Rate) -> Self {
        Self {
            strategy,
            rate,
            state: None,
            life: Int::MIN,
            who: Who::default(),
        }
    }

    /// Returns the state unless it has expired.
    fn living(&self, now: Int) -> Option<&S::State> {
        self.state.as_ref().filter(|_| self.life > now)
    }

    fn hit_at(&self, now: Int, cost: u64) -> Hit<'static> {
        Hit {
            rate: self.rate,
            now: u64::try_from(now).expect("clocks show u64"),
            cost,
            who: self.who,
        }
    }

    /// Writes what a backend writes for a refusal: a state far ahead of the clock is filled (L4).
    /// Returns true if it was.
    fn catch_up(&mut self, now: u64) -> bool {
        let law = self.strategy.law(self.rate, &self.who);
        let state = self.state.as_mut().map(|state| state as &mut dyn Any);
        let state = state.and_then(|state| state.downcast_mut::<BuiltIn>());
        if let (Some(state), Ok(law)) = (state, law)
            && let Some(filled) = law.caught_up(state, now)
        {
            *state = filled;
            return true;
        }
        false
    }

    /// Returns the delay of the hit that led to this state: only the queue of a built-in law
    /// delays.
    fn delay(&self, hit: &Hit<'_>) -> Duration {
        let state = self.state.as_ref().map(|state| state as &dyn Any);
        let state = state.and_then(|state| state.downcast_ref::<BuiltIn>());
        let law = self.strategy.law(self.rate, &self.who);
        match (state, law) {
            (Some(state), Ok(law)) if hit.cost > 0 => law.delay(state, hit.now, hit.cost),
            _ => Duration::ZERO,
        }
    }
}

impl<S: FromLaw> Subject for Pure<S> {
    fn under(&mut self, rate: Rate, law: Law) {
        (self.rate, self.strategy, self.who) = (rate, S::of(law), who(law));
        set_load(law);
    }

    fn hit(&mut self, now: Int, cost: u64) -> Verdict {
        let hit = self.hit_at(now, cost);
        let after = self.strategy.decide(self.living(now).cloned(), &hit);
        let admitted = after.is_some();
        // Backends admit a cost of 0 without the strategy, and write nothing.
        if let Some(after) = after.filter(|_| cost > 0) {
            (self.state, self.life) = (Some(after), Int::MIN);
        }
        if !admitted && self.life > now && self.catch_up(hit.now) {
            self.life = now + 1;
        }
        if cost > 0 && (admitted || self.life > now) {
            let report = self.strategy.report(self.state.as_ref(), &hit);
            self.life = match self.strategy.name() {
                // As long as the slowest recovery needs it.
                "adaptive" => Int::MAX,
                _ => self.life.max(now + micros(report.reset)),
            };
        }
        let reported = Hit {
            cost: if admitted { 0 } else { cost },
            ..hit
        };
        let report = self.strategy.report(self.living(now), &reported);
        let delay = if admitted {
            self.delay(&hit)
        } else {
            Duration::ZERO
        };
        verdict(admitted, &Report { delay, ..report })
    }

    fn standing(&mut self, now: Int) -> Standing {
        let report = self.strategy.report(self.living(now), &self.hit_at(now, 1));
        Standing {
            remaining: report.remaining.into(),
            wait: report.wait.map(micros),
            reset: micros(report.reset),
        }
    }

    fn facts(&mut self, now: Int) -> serde_json::Value {
        let hit = self.hit_at(now, 0);
        serde_json::to_value(self.strategy.metadata(self.living(now), &hit)).expect("it serialises")
    }
}

/// A throttle on its own backend, with its clock and one client.
#[derive(Debug)]
pub(crate) struct Dynamic {
    pub(crate) throttle: DynThrottle,
    pub(crate) clock: ManualClock,
    pub(crate) client: Identity,
    /// The runtime that waits for a backend over a network.
    runtime: Option<Arc<Runtime>>,
    uid: String,
    rates: Vec<Rate>,
}

impl Dynamic {
    pub(crate) fn new(law: Law, rates: &[Rate]) -> Result<Self, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let uid = format!("subject {}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self::on(&Backend::memory(), None, &uid, law, rates)
    }

    /// Creates a subject on any backend.
    pub(crate) fn on(
        backend: &Backend,
        runtime: Option<Arc<Runtime>>,
        uid: &str,
        law: Law,
        rates: &[Rate],
    ) -> Result<Self, Error> {
        let clock = ManualClock::new();
        let backend = backend.clone().clock(clock.clone());
        let throttle = throttle(uid, law, rates).backend(backend).build()?;
        let mut subject = Self {
            throttle,
            clock,
            client: Identity::new("client"),
            runtime,
            uid: uid.to_owned(),
            rates: rates.to_vec(),
        };
        subject.present(law);
        Ok(subject)
    }

    /// Replaces the rates.
    pub(crate) fn set_rates(&mut self, rates: &[Rate]) {
        if self.rates != rates {
            let set = registry().set_rate(&self.uid, rates.to_vec());
            set.expect("the throttle was used, and can have these rates");
            self.rates = rates.to_vec();
        }
    }

    /// Switches to the client, and sets the signal, of a law.
    fn present(&mut self, law: Law) {
        let Who { tier, priority, .. } = who(law);
        let client = Identity::new("client").priority(priority);
        self.client = match tier {
            Some(tier) => client.tier(tier),
            None => client,
        };
        set_load(law);
    }

    /// Sets the clock to somewhere inside the microsecond: a finer clock is rounded down (L1).
    pub(crate) fn set(&self, now: Int) {
        let micros = u64::try_from(now).expect("clocks show u64");
        let within = Duration::from_nanos(micros * 7 % 1_000);
        self.clock.set(Duration::from_micros(micros) + within);
    }

    pub(crate) fn decide(&self, cost: u64) -> Decision {
        self.wait(self.throttle.hit(&self.client, cost))
    }

    pub(crate) fn reserve(&self, cost: u64) -> Reservation {
        self.wait(self.throttle.reserve(&self.client, cost))
    }

    pub(crate) fn settle(&self, reservation: Reservation, used: u64) {
        self.wait(reservation.settle(used));
    }

    fn wait<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> T {
        let answer = match &self.runtime {
            None => poll_once(answer),
            Some(runtime) => runtime.block_on(answer),
        };
        answer.expect("the backend answers")
    }
}

/// Returns the builder of a throttle of this law.
pub(crate) fn throttle(uid: &str, law: Law, rates: &[Rate]) -> DynThrottleBuilder {
    let builder = DynThrottle::builder(uid);
    let builder = rates
        .iter()
        .fold(builder, |builder, rate| builder.rate(*rate));
    with_strategy!(law, strategy => builder.strategy(strategy))
}

impl Subject for Dynamic {
    /// The strategy stays: only the rate, the client, and the signal can change.
    fn under(&mut self, rate: Rate, law: Law) {
        self.set_rates(&[rate]);
        self.present(law);
    }

    /// The year 2255: no backend has later times (L31).
    fn horizon(&self) -> Int {
        1 << 53
    }

    fn hit(&mut self, now: Int, cost: u64) -> Verdict {
        self.set(now);
        verdict_of(&self.decide(cost))
    }

    fn standing(&mut self, at: Int) -> Standing {
        self.set(at);
        let stat = self.wait(self.throttle.stat(&self.client));
        let enough = self.wait(self.throttle.check(&self.client, 1));
        assert_eq!(
            enough,
            stat.wait == Some(Duration::ZERO),
            "`check` and `stat` differ"
        );
        Standing {
            remaining: stat.hits_remaining.into(),
            wait: stat.wait.map(micros),
            reset: micros(stat.reset),
        }
    }

    fn facts(&mut self, at: Int) -> serde_json::Value {
        self.set(at);
        let stat = self.wait(self.throttle.stat(&self.client));
        serde_json::to_value(stat.metadata).expect("it serialises")
    }
}

/// Converts a decision into a verdict.
pub(crate) fn verdict_of(decision: &Decision) -> Verdict {
    let report = Report {
        limit: decision.limit,
        remaining: decision.remaining,
        wait: decision.wait,
        next: decision.next,
        reset: decision.reset,
        delay: decision.delay,
    };
    verdict(decision.admitted, &report)
}

fn verdict(admitted: bool, report: &Report) -> Verdict {
    Verdict {
        admitted,
        limit: report.limit.into(),
        remaining: report.remaining.into(),
        wait: report.wait.map(micros),
        next: report.next.map(micros),
        reset: micros(report.reset),
        delay: micros(report.delay),
    }
}

/// Converts a duration into microseconds, of which laws have no fractions (L1).
pub(crate) fn micros(duration: Duration) -> Int {
    let nanos = Int::try_from(duration.as_nanos()).expect("a duration fits");
    assert_eq!(
        nanos % 1_000,
        0,
        "{duration:?} is no whole number of microseconds"
    );
    nanos / 1_000
}

/// Reports that metadata contains exactly these facts.
pub(crate) fn has_facts(metadata: &serde_json::Value, facts: &[Fact]) -> bool {
    let fields = metadata.as_object().expect("metadata has fields");
    let scale = facts
        .iter()
        .fold(1.0, |scale: f64, (_, value)| match value {
            Value::Number(number) => scale.max(number.abs()),
            _ => scale,
        });
    let near = |actual: f64, fact: f64| (actual - fact).abs() <= 1e-9 + scale * 1e-14;
    let holds = |(name, fact): &Fact| match (fields.get(*name), fact) {
        (Some(serde_json::Value::Bool(yes)), Value::Number(fact)) => {
            near(f64::from(u8::from(*yes)), *fact)
        }
        (Some(serde_json::Value::Number(number)), Value::Number(fact)) => {
            near(number.as_f64().expect("a double"), *fact)
        }
        (Some(serde_json::Value::String(text)), Value::Word(fact)) => text == fact,
        (Some(serde_json::Value::Null), Value::Nothing) => true,
        _ => false,
    };
    fields.len() == facts.len() && facts.iter().all(holds)
}
