//! The recorded counts: `benches/instructions.json`. Compilers and architectures differ in their
//! counts, so each has its own.

use std::collections::BTreeMap;
use std::{fs, io};

use crate::machine::{Machine, ROOT};

const FILE: &str = "benches/instructions.json";

/// The largest growth of a count.
pub const TOLERANCE: f64 = 0.03;

/// Counts by name, by compiler and architecture.
type Recorded = BTreeMap<String, BTreeMap<String, f64>>;

/// The counts of this compiler and architecture.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    all: Recorded,
    environment: String,
}

impl Baseline {
    /// Reads the recorded counts.
    ///
    /// # Errors
    ///
    /// The file has another form.
    pub fn read() -> io::Result<Self> {
        let all = match fs::read_to_string(format!("{ROOT}/{FILE}")) {
            Ok(text) => serde_json::from_str(&text)?,
            Err(_) => Recorded::new(),
        };
        let Machine { rustc, system, .. } = Machine::current();
        Ok(Self {
            all,
            environment: format!("{rustc}, {system}"),
        })
    }

    /// Returns the compiler and the architecture.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Returns `true` if there are counts of this compiler and architecture.
    pub fn is_recorded(&self) -> bool {
        self.all.contains_key(&self.environment)
    }

    /// Returns the recorded count of an operation.
    pub fn count(&self, name: &str) -> Option<f64> {
        self.all.get(&self.environment)?.get(name).copied()
    }

    /// Replaces the counts of this compiler and architecture, and writes the file.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn renew(&mut self, counts: &[(String, f64)]) -> io::Result<()> {
        let rounded = |(name, count): &(String, f64)| (name.clone(), count.round());
        let counts = counts.iter().map(rounded).collect();
        self.all.insert(self.environment.clone(), counts);
        let text = serde_json::to_string_pretty(&self.all)?;
        fs::write(format!("{ROOT}/{FILE}"), text + "\n")
    }
}

/// Returns `true` if a count has grown too much.
pub fn is_grown(count: f64, recorded: f64) -> bool {
    count > recorded * (1.0 + TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::is_grown;

    #[test]
    fn tolerates_three_in_a_hundred() {
        assert!(!is_grown(103.0, 100.0));
        assert!(is_grown(103.1, 100.0));
        assert!(!is_grown(50.0, 100.0));
    }
}
