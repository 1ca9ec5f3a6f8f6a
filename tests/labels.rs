//! Metric labels of throttles built at run time: one test in a process of its own, because the
//! number of labels belongs to the process.

use traffik::failure::retry;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity};
use traffik_tests::CounterRecorder;

fn builder(uid: impl Into<String>) -> DynThrottleBuilder {
    let builder = DynThrottle::builder(uid).rate("2/minute".parse().unwrap());
    builder.backend(Backend::memory())
}

async fn hit(throttle: &DynThrottle) {
    throttle.hit(&Identity::new("client"), 1).await.unwrap();
}

#[test]
fn counts_throttles_by_label() {
    let recorder = CounterRecorder::default();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            by_default(&recorder).await;
            by_choice(&recorder).await;
            retries(&recorder).await;
            refuses_invalid_labels();
            bounded(&recorder).await;
        });
    });
}

/// Two thousand tenants share six series, one for each outcome, which end with them.
async fn by_default(recorder: &CounterRecorder) {
    let mut tenants = Vec::new();
    for tenant in 0..2_000 {
        let tenant = builder(format!("tenant:{tenant}")).build().unwrap();
        hit(&tenant).await;
        tenants.push(tenant);
    }
    assert_eq!(recorder.registered_with(""), 6);
    assert_eq!(
        recorder.total("traffik_decisions_total tenant admitted"),
        2_000
    );
    let last = tenants.pop().unwrap();
    drop(tenants);
    assert_eq!(recorder.in_use(), 6);
    let clone = last.clone();
    drop(last);
    hit(&clone).await;
    assert_eq!(
        recorder.total("traffik_decisions_total tenant admitted"),
        2_001
    );
    drop(clone);
    assert_eq!(recorder.in_use(), 0);

    // A later tenant uses the registered counters of the recorder again.
    hit(&builder("tenant:7").build().unwrap()).await;
    assert_eq!(
        recorder.total("traffik_decisions_total tenant admitted"),
        2_002
    );
    assert_eq!(recorder.registered_with(""), 6);

    hit(&builder("shop::orders").build().unwrap()).await;
    assert_eq!(
        recorder.total("traffik_decisions_total shop::orders admitted"),
        1
    );
}

async fn by_choice(recorder: &CounterRecorder) {
    let (one, two) = (builder("user/1").label("user"), builder("user/2"));
    let (one, two) = (one.build().unwrap(), two.label("user").build().unwrap());
    hit(&one).await;
    hit(&two).await;
    assert_eq!(recorder.total("traffik_decisions_total user admitted"), 2);
    assert_eq!(recorder.registered_with("user/"), 0);
}

async fn retries(recorder: &CounterRecorder) {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    let memory = Backend::memory();
    let builder = DynThrottle::builder("job:9").rate("2/minute".parse().unwrap());
    let builder = builder.backend(Backend::custom(store));
    hit(&builder
        .on_error(retry(1).then(traffik::failure::fallback(memory)))
        .build()
        .unwrap())
    .await;
    assert_eq!(recorder.total("traffik_retries_total job custom"), 1);
    assert_eq!(recorder.total("traffik_fallbacks_total job memory"), 1);
    assert_eq!(recorder.registered_with("job:9"), 0);
}

fn refuses_invalid_labels() {
    let refused = |label: &str| builder("labelled").label(label).build().unwrap_err();
    assert_eq!(
        refused("").to_string(),
        "throttle `labelled` cannot work: its label is empty; write one, or remove `label`"
    );
    assert_eq!(
        refused(&"x".repeat(256)).to_string(),
        "throttle `labelled` cannot work: its label has 256 bytes; the maximum is 255"
    );
    builder("labelled").label("x".repeat(255)).build().unwrap();
}

/// After a thousand labels, all others share one.
async fn bounded(recorder: &CounterRecorder) {
    for name in 0..1_500 {
        hit(&builder(format!("unbounded {name}")).build().unwrap()).await;
    }
    let labels = recorder.registered_with("traffik_decisions_total") / 6;
    assert!(labels <= 1_001, "{labels}");
    assert!(recorder.total("traffik_decisions_total other admitted") >= 500);
    hit(&builder("tenant:8").build().unwrap()).await;
    assert_eq!(
        recorder.total("traffik_decisions_total tenant admitted"),
        2_003
    );
}
