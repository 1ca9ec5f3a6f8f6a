//! A custom store that does exactly what the contract of stores demands.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use traffik::{Error, Store};

type Entry = (Vec<u8>, Option<Instant>);

/// The smallest [`Store`] that passes the conformance suite: a map whose values expire.
#[derive(Debug, Default)]
pub struct ExpiringStore(Mutex<HashMap<String, Entry>>);

impl Store for ExpiringStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let entries = self.0.lock().unwrap();
        let live = entries.get(key);
        let live = live.filter(|(_, expires)| expires.is_none_or(|at| at > Instant::now()));
        Ok(live.map(|(value, _)| value.clone()))
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let mut entries = self.0.lock().unwrap();
        let now = Instant::now();
        let live = entries.get(key);
        let live = live.filter(|(_, expires)| expires.is_none_or(|at| at > now));
        if live.map(|(value, _)| &**value) != expected {
            return Ok(false);
        }
        let unchanged = live.and_then(|(_, expires)| *expires);
        let expires = ttl.map_or(unchanged, |ttl| now.checked_add(ttl));
        match new {
            Some(new) => entries.insert(key.to_owned(), (new.to_vec(), expires)),
            None => entries.remove(key),
        };
        Ok(true)
    }
}
