//! Those of one process wait for each other, rather than read what another is about to write over.
//!
//! Nothing depends on it: what others write is noticed when it is compared. But of many who read at once only one can
//! write, and those who need not have tried are most of them in the same process.

use std::hash::{BuildHasher as _, RandomState};

use tokio::sync::Mutex;

/// Names that share a gate wait for each other without need.
const GATES: usize = 256;

#[derive(Debug)]
pub(crate) struct Gates {
    gates: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            gates: (0..GATES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Gates {
    pub(crate) fn of(&self, name: &str) -> &Mutex<()> {
        let hash = self.hasher.hash_one(name);
        &self.gates[hash as usize % self.gates.len()]
    }
}
