//! Labels of throttles built at run time, in metrics. In a process of its own, for the number of labels is the process's.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use traffik::failure::retry;
use traffik::testing::{FlakyStore, Trouble};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity};

/// The series that were ever registered, and a token for each counter that is still held.
#[derive(Clone, Default)]
struct Series {
    names: Arc<Mutex<BTreeSet<String>>>,
    counts: Arc<Mutex<Vec<(String, u64)>>>,
    held: Arc<()>,
}

struct One(
    Series,
    String,
    #[expect(dead_code, reason = "it is counted")] Arc<()>,
);

impl CounterFn for One {
    fn increment(&self, value: u64) {
        self.0.counts.lock().unwrap().push((self.1.clone(), value));
    }

    fn absolute(&self, _: u64) {}
}

impl Recorder for Series {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels = key.labels().map(|label| format!(" {}", label.value()));
        let name = key.name().to_owned() + &labels.collect::<String>();
        self.names.lock().unwrap().insert(name.clone());
        Counter::from_arc(Arc::new(One(self.clone(), name, self.held.clone())))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

impl Series {
    fn of(&self, name: &str) -> u64 {
        let counts = self.counts.lock().unwrap();
        let own = counts.iter().filter(|(counted, _)| counted == name);
        own.map(|(_, value)| value).sum()
    }

    fn with(&self, part: &str) -> usize {
        let names = self.names.lock().unwrap();
        names.iter().filter(|name| name.contains(part)).count()
    }

    /// Returns the number of counters that somebody holds.
    fn held(&self) -> usize {
        // One for the clone that every counter has, one for its token.
        (Arc::strong_count(&self.held) - 1) / 2
    }
}

fn builder(uid: impl Into<String>) -> DynThrottleBuilder {
    let builder = DynThrottle::builder(uid).rate("2/minute".parse().unwrap());
    builder.backend(Backend::memory())
}

async fn hit(throttle: &DynThrottle) {
    throttle.hit(&Identity::new("client"), 1).await.unwrap();
}

#[test]
fn throttles_are_counted_by_label() {
    let series = Series::default();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    metrics::with_local_recorder(&series, || {
        runtime.block_on(async {
            by_default(&series).await;
            by_choice(&series).await;
            retries(&series).await;
            refused();
            bounded(&series).await;
        });
    });
}

/// Two thousand tenants are six series, one for each outcome, which end with them.
async fn by_default(series: &Series) {
    let mut tenants = Vec::new();
    for tenant in 0..2_000 {
        let tenant = builder(format!("tenant:{tenant}")).build().unwrap();
        hit(&tenant).await;
        tenants.push(tenant);
    }
    assert_eq!(series.with(""), 6);
    assert_eq!(series.of("traffik_decisions_total tenant admitted"), 2_000);
    let last = tenants.pop().unwrap();
    drop(tenants);
    assert_eq!(series.held(), 6);
    let clone = last.clone();
    drop(last);
    hit(&clone).await;
    assert_eq!(series.of("traffik_decisions_total tenant admitted"), 2_001);
    drop(clone);
    assert_eq!(series.held(), 0);

    // One that comes later is found by the recorder again.
    hit(&builder("tenant:7").build().unwrap()).await;
    assert_eq!(series.of("traffik_decisions_total tenant admitted"), 2_002);
    assert_eq!(series.with(""), 6);

    hit(&builder("shop::orders").build().unwrap()).await;
    assert_eq!(
        series.of("traffik_decisions_total shop::orders admitted"),
        1
    );
}

async fn by_choice(series: &Series) {
    let (one, two) = (builder("user/1").label("user"), builder("user/2"));
    let (one, two) = (one.build().unwrap(), two.label("user").build().unwrap());
    hit(&one).await;
    hit(&two).await;
    assert_eq!(series.of("traffik_decisions_total user admitted"), 2);
    assert_eq!(series.with("user/"), 0);
}

async fn retries(series: &Series) {
    let store = FlakyStore::new();
    store.fail(Trouble::Refuse);
    let memory = Backend::memory();
    let builder = DynThrottle::builder("job:9").rate("2/minute".parse().unwrap());
    let builder = builder.backend(Backend::custom(store));
    hit(&builder
        .on_error(retry(1).then(traffik::failure::fallback(memory)))
        .build()
        .unwrap())
    .await;
    assert_eq!(series.of("traffik_retries_total job custom"), 1);
    assert_eq!(series.of("traffik_fallbacks_total job memory"), 1);
    assert_eq!(series.with("job:9"), 0);
}

fn refused() {
    let refused = |label: &str| builder("labelled").label(label).build().unwrap_err();
    assert_eq!(
        refused("").to_string(),
        "throttle `labelled` cannot work: its label is empty; give it one, or leave `label` out"
    );
    assert_eq!(
        refused(&"x".repeat(256)).to_string(),
        "throttle `labelled` cannot work: its label has 256 bytes; give it one of at most 255"
    );
    builder("labelled").label("x".repeat(255)).build().unwrap();
}

/// After a thousand labels, the rest is one.
async fn bounded(series: &Series) {
    for name in 0..1_500 {
        hit(&builder(format!("unbounded {name}")).build().unwrap()).await;
    }
    let labels = series.with("traffik_decisions_total") / 6;
    assert!(labels <= 1_001, "{labels}");
    assert!(series.of("traffik_decisions_total other admitted") >= 500);
    hit(&builder("tenant:8").build().unwrap()).await;
    assert_eq!(series.of("traffik_decisions_total tenant admitted"), 2_003);
}
