//! Logs and metrics of failing backends: one test in a process of its own, because the recorder
//! belongs to the process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;
use traffik::failure::{Backoff, allow, failover, fallback, raise, retry, throttle};
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, CircuitBreaker, DynThrottle, Error, Identity, ManualClock, Store};
use traffik_tests::{CounterRecorder, Log};

/// A store that is never reachable.
struct UnreachableStore;

impl Store for UnreachableStore {
    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, Error> {
        Err(Error::Connection {
            source: "the store is unreachable".into(),
        })
    }

    async fn compare_and_swap(
        &self,
        _: &str,
        _: Option<&[u8]>,
        _: Option<&[u8]>,
        _: Option<Duration>,
    ) -> Result<bool, Error> {
        Ok(true)
    }
}

fn builder(uid: &str) -> traffik::DynThrottleBuilder {
    let builder = DynThrottle::builder(uid).rate("2/minute".parse().unwrap());
    builder.backend(Backend::custom(UnreachableStore))
}

async fn cause_events() {
    let clock = ManualClock::new();
    let client = Identity::new("client");
    let memory = DynThrottle::builder("memory").rate("2/minute".parse().unwrap());
    let memory = memory.backend(Backend::memory().clock(clock.clone()));
    let memory = memory.build().unwrap();
    for _ in 0..5 {
        memory.hit(&client, 1).await.unwrap();
    }
    let at_once = Backoff::constant(Duration::ZERO);
    let allowed = builder("allowed").on_error(retry(2).backoff(at_once).then(allow()));
    assert!(
        allowed
            .build()
            .unwrap()
            .hit(&client, 1)
            .await
            .unwrap()
            .admitted
    );
    let refused = builder("refused").on_error(throttle()).build().unwrap();
    assert!(!refused.hit(&client, 1).await.unwrap().admitted);
    let raised = builder("raised").on_error(raise()).build().unwrap();
    raised.hit(&client, 1).await.unwrap_err();

    let breaker = CircuitBreaker::new().failures(2);
    let breaker = Arc::new(breaker.recovery(Duration::from_secs(10)));
    let policy = failover(Backend::memory().clock(clock.clone())).breaker(breaker);
    let over = DynThrottle::builder("over").rate("9/minute".parse().unwrap());
    let over = over.backend(Backend::custom(UnreachableStore).clock(clock.clone()));
    let over = over.on_error(policy).build().unwrap();
    for _ in 0..4 {
        assert!(over.hit(&client, 1).await.unwrap().admitted);
    }
    clock.advance(Duration::from_secs(10));
    assert!(over.hit(&client, 1).await.unwrap().admitted);

    let store = FlakyStore::new();
    let back = DynThrottle::builder("back").rate("2/minute".parse().unwrap());
    let back = back.backend(Backend::custom(store.clone()).clock(clock.clone()));
    let back = back.on_error(fallback(Backend::memory().clock(clock.clone())));
    let back = back.build().unwrap();
    store.fail(Fault::Refuse);
    for admitted in [true, true, false] {
        assert_eq!(back.hit(&client, 1).await.unwrap().admitted, admitted);
    }
    store.heal();
    // The first backend is reachable again, but the count of the fallback is still in force.
    assert!(!back.hit(&client, 1).await.unwrap().admitted);

    let store = FlakyStore::new();
    let backend = Backend::custom(store.clone());
    let lost = DynThrottle::builder("lost").rate("9/minute".parse().unwrap());
    let lost = lost.backend(backend.clone()).build().unwrap();
    let reservation = lost.reserve(&client, 4).await.unwrap();
    store.fail(Fault::Refuse);
    drop(reservation);
    // Closing waits for the refund, and returns its error.
    backend.close().await.unwrap_err();
}

#[tokio::test]
async fn counts_and_logs_each_event() {
    let recorder = CounterRecorder::default();
    metrics::set_global_recorder(recorder.clone()).expect("there is no other recorder");
    let (log, guard) = Log::capture_at(LevelFilter::TRACE);
    cause_events().await;
    drop(guard);
    let expected = [
        (
            "traffik_backend_errors_total custom connection",
            3 + 1 + 1 + 3 + 2,
        ),
        ("traffik_breaker_changes_total custom half_open", 1),
        ("traffik_breaker_changes_total custom open", 2),
        ("traffik_decisions_total allowed allowed", 1),
        ("traffik_decisions_total back admitted", 2),
        ("traffik_decisions_total back refused", 2),
        ("traffik_decisions_total lost admitted", 1),
        ("traffik_decisions_total memory admitted", 2),
        ("traffik_decisions_total memory refused", 3),
        ("traffik_decisions_total over admitted", 5),
        ("traffik_decisions_total raised raised", 1),
        ("traffik_decisions_total refused throttled", 1),
        ("traffik_fallbacks_total back memory", 4),
        ("traffik_fallbacks_total over memory", 5),
        ("traffik_refunds_failed_total custom", 1),
        ("traffik_retries_total allowed custom", 2),
    ];
    let counted = recorder.totals();
    let counted: Vec<_> = counted
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    assert_eq!(counted, expected);

    // Each counter is described, and the guide lists exactly those.
    let descriptions = recorder.descriptions();
    for (counter, _) in &counted {
        let name = counter.split(' ').next().unwrap();
        assert!(descriptions.contains_key(name), "{name}");
    }
    let guide = include_str!("../traffik/docs/operating.md");
    let rows = guide
        .lines()
        .filter_map(|row| row.strip_prefix("| `traffik_"));
    let listed: BTreeSet<_> = rows.filter_map(|row| row.split('`').next()).collect();
    let described = descriptions
        .keys()
        .filter_map(|name| name.strip_prefix("traffik_"));
    assert_eq!(listed, described.collect::<BTreeSet<_>>());
    let outcomes = "admitted, refused, shadowed, allowed, throttled, raised";
    let decisions = &descriptions["traffik_decisions_total"];
    assert!(decisions.ends_with(outcomes), "{decisions}");
    let errors = include_str!("../traffik/docs/errors.md");
    for guide in [guide, errors] {
        let row = guide
            .lines()
            .find(|row| row.contains("| `traffik_decisions_total`"));
        for outcome in outcomes.split(", ") {
            assert!(row.unwrap().contains(&format!("`{outcome}`")), "{outcome}");
        }
    }

    let log = log.text();
    let lines = |part: &str| log.lines().filter(|line| line.contains(part)).count();
    assert_eq!(lines("WARN traffik: breaker open"), 2, "{log}");
    assert_eq!(lines("INFO traffik: breaker half-open"), 1);
    assert_eq!(lines("WARN traffik: units could not be refunded"), 1);
    assert_eq!(lines("retrying"), 2);
    assert_eq!(lines("decided by the fallback"), 9);
    assert_eq!(lines("the store is unreachable"), 8);
    // Each refusal is logged once at `debug` with its client, whether a law or the lack of a
    // backend refused.
    assert_eq!(
        lines("DEBUG traffik: refused throttle=\"memory\" client=client outcome=\"refused\""),
        3
    );
    assert_eq!(
        lines("DEBUG traffik: refused throttle=\"refused\" client=client outcome=\"throttled\""),
        1
    );
    assert_eq!(
        lines("TRACE traffik: decided throttle=\"memory\" client=client outcome=\"admitted\""),
        2
    );
}
