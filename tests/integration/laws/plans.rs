//! Throttles whose rate is a function: a client whose plan changes, under every strategy (L30).

use http::request::Parts;
use traffik::{Backend, Decision, Identity, ManualClock, Rate, Throttle};
use traffik_tests::poll_once;

use super::client::{micros, wait};

traffik::throttles! {
    defaults(identifier = caller);

    throttle Windows(rate = plan);
    throttle Tiers(rate = plan, strategy = tiered(free = 1.0, default = free));
    throttle Hours(rate = plan, strategy = time_of_day(windows = ["00:00-24:00" = 1.0]));
    throttle Carry(rate = plan, strategy = quota_with_rollover(percent = 0));
    throttle Adapting(rate = plan, strategy = adaptive(threshold = 1.0));
    throttle Counter(rate = plan, strategy = sliding_counter);
    throttle Log(rate = plan, strategy = sliding_log);
    throttle Shared(rate = plan, strategy = priority(normal = 1.0, high = 1.0));
    throttle Bucket(rate = plan, strategy = token_bucket);
    throttle Leaky(rate = plan, strategy = leaky_bucket);
    throttle Queue(rate = plan, strategy = leaky_bucket_with_queue);
    throttle Costly(rate = plan, strategy = cost_based_token_bucket);
    throttle Spaced(rate = plan, strategy = gcra(burst_tolerance = "10m"));
}

/// Returns the rate of a request's plan.
fn plan(parts: &Parts) -> Rate {
    *parts.extensions.get().expect("a request of this test")
}

fn caller(parts: &Parts) -> Identity {
    parts
        .extensions
        .get()
        .cloned()
        .expect("a request of this test")
}

/// A client of throttle `T`, with a clock.
struct Caller {
    backend: Backend,
    clock: ManualClock,
}

impl Caller {
    fn new() -> Self {
        let clock = ManualClock::new();
        let backend = Backend::memory().clock(clock.clone());
        Self { backend, clock }
    }

    fn request(&self, plan: &str) -> Parts {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.extensions.insert(self.backend.clone());
        parts
            .extensions
            .insert(plan.parse::<Rate>().expect("a rate"));
        parts.extensions.insert(Identity::new("client"));
        parts
    }

    fn hit<T: Throttle>(&self, plan: &str, cost: u64) -> Decision {
        poll_once(T::hit_cost(&self.request(plan), cost)).expect("memory always answers")
    }

    /// Returns how many of twenty hits are admitted.
    fn admitted<T: Throttle>(&self, plan: &str) -> usize {
        let hits = (0..20).filter(|_| self.hit::<T>(plan, 1).admitted);
        hits.count()
    }
}

/// Defines a test for each throttle.
macro_rules! each {
    ($test:ident: $($throttle:ident)+) => {$(
        $test::<$throttle>(stringify!($throttle));
    )+};
}

/// A better plan adds its difference at once, and a worse one takes nothing back; refused hits were
/// not counted.
fn a_better_plan_helps<T: Throttle>(name: &str) {
    let client = Caller::new();
    assert_eq!(client.admitted::<T>("3/h"), 3, "{name}");
    assert_eq!(client.admitted::<T>("5/h"), 2, "{name}");
    let worse = client.hit::<T>("2/h", 1);
    assert_eq!((worse.admitted, worse.remaining), (false, 0), "{name}");
    assert!(client.hit::<T>("2/h", 0).admitted, "{name}");
    assert_eq!(client.hit::<T>("2/h", 3).wait, None, "{name}");
    assert_eq!(client.admitted::<T>("6/h"), 1, "{name}");
}

#[test]
fn of_another_limit() {
    each!(a_better_plan_helps: Windows Tiers Hours Carry Adapting Counter Log Shared Bucket Leaky Queue Costly);
    // 3 and 5 and 6 an hour: TAT advances 20, 12 and 10 min with each hit, and may be 10 min ahead.
    let client = Caller::new();
    assert_eq!(client.admitted::<Spaced>("3/h"), 1);
    assert_eq!(client.hit::<Spaced>("3/h", 1).wait, wait(600_000_000));
    assert_eq!(client.hit::<Spaced>("5/h", 1).wait, wait(120_000_000));
    assert_eq!(client.admitted::<Spaced>("6/h"), 1);
}

/// A plan of another period grants no more than its own limit, and keeps the used units at first.
fn another_period_is_no_fresh_start<T: Throttle>(name: &str) {
    let client = Caller::new();
    assert_eq!(client.admitted::<T>("5/h"), 5, "{name}");
    client.clock.advance(micros(1_000_000));
    for plan in ["5/2h", "5/50m", "5/day"] {
        assert_eq!(client.admitted::<T>(plan), 0, "{name}, {plan}");
        assert!(client.hit::<T>(plan, 1).wait > wait(0), "{name}, {plan}");
    }
    assert_eq!(client.admitted::<T>("7/2h"), 2, "{name}");
}

#[test]
fn of_another_period() {
    each!(another_period_is_no_fresh_start: Windows Tiers Hours Carry Adapting Counter Log Shared Bucket Leaky Queue Costly);
}

/// Reports under the new plan are exact, though the state was written under another.
fn waits_are_exact<T: Throttle>(name: &str) {
    let client = Caller::new();
    let mut change = ["5/h", "4/50m", "7/2h", "3/10m", "6/h"].into_iter().cycle();
    for round in 0..40 {
        let plan = change.next().expect("a cycle");
        client.admitted::<T>(plan);
        let wait = client.hit::<T>(plan, 1).wait.expect("not never");
        assert!(!wait.is_zero(), "{name}, {round}");
        client.clock.advance(wait.saturating_sub(micros(1)));
        let early = poll_once(T::check(&client.request(plan), 1)).expect("memory always answers");
        client.clock.advance(micros(1));
        assert!(
            !early && client.hit::<T>(plan, 1).admitted,
            "{name}, {round}"
        );
    }
}

#[test]
fn of_alternating_plans() {
    each!(waits_are_exact: Windows Tiers Hours Carry Adapting Counter Log Shared Bucket Leaky Queue Costly Spaced);
}
