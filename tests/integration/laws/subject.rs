//! What is put to the test: a strategy as the pure function it is, and as a throttle on the embedded backend.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use traffik::strategy::{Hit, Strategy, Who};
use traffik::{Backend, Decision, DynThrottle, DynThrottleBuilder, Error, Identity, ManualClock};
use traffik::{Rate, Report};

use super::oracle::{Fact, Int, Law, Verdict};

/// Something that decides as a law does.
pub(crate) trait Subject {
    fn hit(&mut self, now: Int, cost: u64) -> Verdict;

    /// What `stat` says.
    fn standing(&mut self, now: Int) -> Standing;

    /// What `stat` says in the words of the strategy.
    fn facts(&mut self, now: Int) -> serde_json::Value;
}

/// What all strategies tell of how a client stands. Times are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) remaining: Int,
    pub(crate) wait: Option<Int>,
    pub(crate) reset: Int,
}

/// The strategy of a law, by type: each type has states of its own.
macro_rules! with_strategy {
    ($law:expr, $strategy:ident => $body:expr) => {
        match $law {
            Law::FixedWindow => {
                let $strategy = ::traffik::strategy::FixedWindow::new();
                $body
            }
            Law::SlidingCounter => {
                let $strategy = ::traffik::strategy::SlidingCounter::new();
                $body
            }
            Law::TokenBucket { burst, debt } => {
                let $strategy = ::traffik::strategy::TokenBucket::new().debt(debt);
                let $strategy = burst.map_or($strategy, |burst| $strategy.burst(burst));
                $body
            }
            Law::Gcra { tolerance } => {
                let tolerance = ::std::time::Duration::from_micros(tolerance);
                let $strategy = ::traffik::strategy::Gcra::new().burst_tolerance(tolerance);
                $body
            }
        }
    };
}
pub(crate) use with_strategy;

/// A strategy and the state it gave back last.
#[derive(Debug)]
pub(crate) struct Pure<S: Strategy> {
    pub(crate) strategy: S,
    pub(crate) rate: Rate,
    pub(crate) state: Option<S::State>,
}

impl<S: Strategy> Pure<S> {
    pub(crate) fn new(strategy: S, rate: Rate) -> Self {
        Self {
            strategy,
            rate,
            state: None,
        }
    }

    fn asked(&self, now: Int, cost: u64) -> Hit<'static> {
        Hit {
            rate: self.rate,
            now: u64::try_from(now).expect("clocks show u64"),
            cost,
            who: Who::default(),
        }
    }
}

impl<S: Strategy> Subject for Pure<S>
where
    S::State: Clone,
{
    fn hit(&mut self, now: Int, cost: u64) -> Verdict {
        let hit = self.asked(now, cost);
        let after = self.strategy.decide(self.state.clone(), &hit);
        let admitted = after.is_some();
        // Backends admit a cost of 0 without asking, and write nothing.
        self.state = after.filter(|_| cost > 0).or_else(|| self.state.take());
        let cost = if admitted { 0 } else { cost };
        let report = self
            .strategy
            .report(self.state.as_ref(), &Hit { cost, ..hit });
        verdict(admitted, &report)
    }

    fn standing(&mut self, now: Int) -> Standing {
        let report = self
            .strategy
            .report(self.state.as_ref(), &self.asked(now, 1));
        Standing {
            remaining: report.remaining.into(),
            wait: report.wait.map(micros),
            reset: micros(report.reset),
        }
    }

    fn facts(&mut self, now: Int) -> serde_json::Value {
        let hit = self.asked(now, 0);
        serde_json::to_value(self.strategy.metadata(self.state.as_ref(), &hit))
            .expect("it serialises")
    }
}

/// A throttle on a backend of its own, its clock, and one client.
#[derive(Debug)]
pub(crate) struct Dynamic {
    pub(crate) throttle: DynThrottle,
    pub(crate) clock: ManualClock,
    pub(crate) client: Identity,
}

impl Dynamic {
    pub(crate) fn new(law: Law, rates: &[Rate]) -> Result<Self, Error> {
        let clock = ManualClock::new();
        let backend = Backend::memory().clock(clock.clone());
        let throttle = throttle(law, rates).backend(backend).build()?;
        Ok(Self {
            throttle,
            clock,
            client: Identity::new("client"),
        })
    }

    /// Sets the clock, to somewhere inside the microsecond: a finer clock is rounded down (L1).
    pub(crate) fn set(&self, now: Int) {
        let micros = u64::try_from(now).expect("clocks show u64");
        let within = Duration::from_nanos(micros * 7 % 1_000);
        self.clock.set(Duration::from_micros(micros) + within);
    }

    pub(crate) fn decide(&self, cost: u64) -> Decision {
        now(self.throttle.hit(&self.client, cost)).expect("memory always answers")
    }
}

/// The settings of a throttle of this law.
pub(crate) fn throttle(law: Law, rates: &[Rate]) -> DynThrottleBuilder {
    let builder = DynThrottle::builder("subject");
    let builder = rates
        .iter()
        .fold(builder, |builder, rate| builder.rate(*rate));
    with_strategy!(law, strategy => builder.strategy(strategy))
}

impl Subject for Dynamic {
    fn hit(&mut self, now: Int, cost: u64) -> Verdict {
        self.set(now);
        verdict_of(&self.decide(cost))
    }

    fn standing(&mut self, at: Int) -> Standing {
        self.set(at);
        let stat = now(self.throttle.stat(&self.client)).expect("memory always answers");
        let enough = now(self.throttle.check(&self.client, 1)).expect("memory always answers");
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
        let stat = now(self.throttle.stat(&self.client)).expect("memory always answers");
        serde_json::to_value(stat.metadata).expect("it serialises")
    }
}

/// A decision in the oracle's words.
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
    assert_eq!(report.delay, Duration::ZERO, "none of these laws delays");
    Verdict {
        admitted,
        limit: report.limit.into(),
        remaining: report.remaining.into(),
        wait: report.wait.map(micros),
        next: report.next.map(micros),
        reset: micros(report.reset),
    }
}

/// Whole microseconds: laws know nothing finer (L1).
pub(crate) fn micros(duration: Duration) -> Int {
    let nanos = Int::try_from(duration.as_nanos()).expect("a duration fits");
    assert_eq!(
        nanos % 1_000,
        0,
        "{duration:?} is no whole number of microseconds"
    );
    nanos / 1_000
}

/// Whether metadata says these facts and nothing else.
pub(crate) fn says(metadata: &serde_json::Value, facts: &[Fact]) -> bool {
    let fields = metadata.as_object().expect("metadata has fields");
    let scale = facts
        .iter()
        .fold(1.0, |scale: f64, (_, value)| scale.max(value.abs()));
    let near = |said: f64, fact: f64| (said - fact).abs() <= 1e-9 + scale * 1e-14;
    let said = |field: &serde_json::Value| match field {
        serde_json::Value::Bool(yes) => f64::from(u8::from(*yes)),
        number => number.as_f64().expect("a number"),
    };
    let holds = |(name, fact): &Fact| {
        fields
            .get(*name)
            .is_some_and(|field| near(said(field), *fact))
    };
    fields.len() == facts.len() && facts.iter().all(holds)
}

/// The answer of a future that has it at once, as all do that ask only this process's memory.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the embedded backend answers at once"),
    }
}
