//! An in-memory store whose values a test reads and writes behind the backend.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use traffik::{Error, Store};

/// An in-memory [`Store`] whose values a test can read, replace and remove. It ignores times to
/// live, so that values stay while a test moves a manual clock.
#[derive(Clone, Debug, Default)]
pub struct OpenStore(Arc<Mutex<HashMap<String, Vec<u8>>>>);

impl OpenStore {
    /// Returns the only key and its value.
    ///
    /// # Panics
    ///
    /// Unless the store has exactly one key.
    pub fn only_entry(&self) -> (String, Vec<u8>) {
        let values = self.0.lock().unwrap();
        assert_eq!(values.len(), 1, "one key");
        let (key, value) = values.iter().next().unwrap();
        (key.clone(), value.clone())
    }

    /// Replaces the value of every key.
    ///
    /// # Panics
    ///
    /// If another thread panicked during an operation.
    pub fn replace_all(&self, value: &[u8]) {
        let mut values = self.0.lock().unwrap();
        values.values_mut().for_each(|it| *it = value.to_vec());
    }

    /// Removes every key for which a predicate returns false.
    ///
    /// # Panics
    ///
    /// If another thread panicked during an operation.
    pub fn retain(&self, mut is_retained: impl FnMut(&str) -> bool) {
        self.0.lock().unwrap().retain(|key, _| is_retained(key));
    }
}

impl Store for OpenStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        _: Option<Duration>,
    ) -> Result<bool, Error> {
        let mut values = self.0.lock().unwrap();
        if values.get(key).map(|value| &**value) != expected {
            return Ok(false);
        }
        match new {
            Some(new) => values.insert(key.to_owned(), new.to_vec()),
            None => values.remove(key),
        };
        Ok(true)
    }
}
