//! A metrics recorder whose counters a test reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// A recorder of counters. A series is named by its counter and the values of its labels, as in
/// `requests_total GET 200`.
#[derive(Clone, Debug, Default)]
pub struct CounterRecorder {
    shared: Arc<Shared>,
    /// A token of which every counter in use has a clone.
    in_use: Arc<()>,
}

#[derive(Debug, Default)]
struct Shared {
    registered: Mutex<BTreeSet<String>>,
    totals: Mutex<BTreeMap<String, u64>>,
    descriptions: Mutex<BTreeMap<String, String>>,
}

impl CounterRecorder {
    /// Returns the total of every series that was incremented.
    ///
    /// # Panics
    ///
    /// If another thread panicked while it recorded.
    pub fn totals(&self) -> BTreeMap<String, u64> {
        self.shared.totals.lock().unwrap().clone()
    }

    /// Returns the total of one series.
    ///
    /// # Panics
    ///
    /// If another thread panicked while it recorded.
    pub fn total(&self, series: &str) -> u64 {
        let totals = self.shared.totals.lock().unwrap();
        totals.get(series).copied().unwrap_or(0)
    }

    /// Returns the descriptions by the names of the counters.
    ///
    /// # Panics
    ///
    /// If another thread panicked while it recorded.
    pub fn descriptions(&self) -> BTreeMap<String, String> {
        self.shared.descriptions.lock().unwrap().clone()
    }

    /// Returns the number of series, registered at any time, whose names contain a text.
    ///
    /// # Panics
    ///
    /// If another thread panicked while it recorded.
    pub fn registered_with(&self, part: &str) -> usize {
        let registered = self.shared.registered.lock().unwrap();
        registered.iter().filter(|name| name.contains(part)).count()
    }

    /// Returns the number of counters that the application has not dropped.
    pub fn in_use(&self) -> usize {
        Arc::strong_count(&self.in_use) - 1
    }
}

struct SeriesCounter {
    shared: Arc<Shared>,
    series: String,
    _in_use: Arc<()>,
}

impl CounterFn for SeriesCounter {
    fn increment(&self, value: u64) {
        let mut totals = self.shared.totals.lock().unwrap();
        *totals.entry(self.series.clone()).or_default() += value;
    }

    fn absolute(&self, _: u64) {}
}

impl Recorder for CounterRecorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        assert_eq!(unit, Some(Unit::Count));
        let mut descriptions = self.shared.descriptions.lock().unwrap();
        let earlier = descriptions.insert(name.as_str().to_owned(), description.to_string());
        assert_eq!(earlier, None, "`{}` is described once", name.as_str());
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels = key.labels().map(|label| format!(" {}", label.value()));
        let series = key.name().to_owned() + &labels.collect::<String>();
        let mut registered = self.shared.registered.lock().unwrap();
        registered.insert(series.clone());
        Counter::from_arc(Arc::new(SeriesCounter {
            shared: self.shared.clone(),
            series,
            _in_use: self.in_use.clone(),
        }))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
