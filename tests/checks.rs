//! Builders refuse and warn as the macros do: the same checks with the same messages.

use std::time::Duration;

use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Strategy, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{DynThrottle, ErrorKind, Rate};
use traffik_tests::Log;

fn build(rates: &[&str], strategy: impl Strategy) -> Result<DynThrottle, traffik::Error> {
    let builder = DynThrottle::builder("api")
        .backend(traffik::Backend::memory())
        .strategy(strategy);
    let rates = rates.iter().map(|rate| rate.parse::<Rate>().unwrap());
    rates
        .fold(builder, traffik::DynThrottleBuilder::rate)
        .build()
}

#[track_caller]
fn assert_refused(rates: &[&str], strategy: impl Strategy, message: &str) {
    let error = build(rates, strategy).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(
        error.to_string(),
        format!("throttle `api` cannot work: {message}")
    );
}

/// Returns the log while a valid throttle is built.
fn log_of(rates: &[&str], strategy: impl Strategy) -> String {
    let (log, _guard) = Log::capture();
    build(rates, strategy).unwrap();
    log.text()
}

#[test]
fn refuses_invalid_parameters() {
    let one = &["10/s"];
    let empty = |name: &str| format!("a `{name}` of 0 admits nothing; use at least 1");
    assert_refused(one, TokenBucket::new().burst(0), &empty("burst"));
    assert_refused(one, LeakyBucket::new().capacity(0), &empty("capacity"));
    assert_refused(
        one,
        LeakyBucketWithQueue::new().queue_size(0),
        &empty("queue_size"),
    );
    assert_refused(one, CostBasedTokenBucket::new().window(0), &empty("window"));
    assert_refused(
        one,
        Gcra::new().burst_tolerance(Duration::from_nanos(1)),
        "`burst_tolerance` must be whole microseconds, at most ten years; round it",
    );
    assert_refused(
        one,
        Tiered::new().tier("free", 1.0),
        "`tiered` needs the name of one of its tiers as the default: write `default = free`",
    );
    assert_refused(
        one,
        Tiered::new().tier("free", 0.05).default_tier("free"),
        "a tier's limit rounds below 1; use a larger multiplier or limit",
    );
    assert_refused(
        one,
        Adaptive::new().min(0.0),
        "`min` is above 0 and up to 1",
    );
    assert_refused(
        one,
        QuotaWithRollover::new().percent(101.0),
        "`percent` is 0 to 100",
    );
    let order = "each priority's share is at most that of the next, and that of the highest is 1";
    assert_refused(one, Priority::new().low(0.9), order);
    assert_refused(one, Priority::new().critical(0.99), order);
}

#[test]
fn refuses_invalid_times_of_day() {
    let one = &["10/s"];
    assert_refused(
        one,
        TimeOfDay::new().window("08:00-08:00", 2.0),
        "a time window from a time to itself is empty; the whole day is `00:00-24:00`",
    );
    assert_refused(
        one,
        TimeOfDay::new()
            .window("08:00-18:00", 2.0)
            .window("09:00-10:00", 3.0),
        "a time window is covered by earlier ones; remove it or put it first",
    );
    // A rate that is closed all day is valid, and refuses every cost for ever; the costs are not
    // known here.
    build(one, TimeOfDay::new().window("00:00-24:00", 0.0)).unwrap();
}

#[test]
fn checks_parameters_under_every_rate() {
    assert_refused(
        &["0/0"],
        TokenBucket::new().burst(0),
        "a `burst` of 0 admits nothing; use at least 1",
    );
}

#[test]
fn checks_every_rate_of_a_list() {
    assert_refused(
        &["10/s", "4294967295/3650d"],
        SlidingCounter::new(),
        "`4294967295/3650d` has no exact tick; use a smaller limit or a shorter period",
    );
}

#[test]
fn warns_once_about_doubtful_parameters() {
    let log = log_of(&["10/second", "1000/minute"], FixedWindow::new());
    assert_eq!(log.matches("WARN").count(), 1, "{log}");
    for part in [
        "`api`",
        "unreachable_rate",
        "`1000/m` is never reached",
        "`10/s`",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
    let log = log_of(&["0/0", "10/second", "10/second"], SlidingLog::new());
    assert!(
        log.contains("unlimited_rate") && log.contains("in this list already"),
        "{log}"
    );
    let log = log_of(&["10/week"], TimeOfDay::new());
    assert!(log.contains("coarse_rate"), "{log}");
    let log = log_of(&["10/2h"], TimeOfDay::new().window("08:00-10:00", 2.0));
    assert!(
        log.contains("short_window") && log.contains("`08:00-10:00`"),
        "{log}"
    );
}

#[test]
fn does_not_warn_about_valid_parameters() {
    assert_eq!(log_of(&["10/second", "100/minute"], FixedWindow::new()), "");
    assert_eq!(log_of(&["0/0"], FixedWindow::new()), "");
    assert_eq!(
        log_of(&["100/second", "1000/minute"], TokenBucket::new()),
        ""
    );
}

#[test]
fn does_not_read_the_load_when_it_builds() {
    fn load() -> f64 {
        panic!("the load is read for a hit only")
    }
    build(&["10/second", "1000/minute"], Adaptive::new().load(load)).unwrap();
}
