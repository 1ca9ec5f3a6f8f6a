//! Equivalence of a custom store.

use traffik::Backend;
use traffik_tests::ExpiringStore;

use super::{Remote, equivalence};

fn custom() -> ((), Remote) {
    let remote = Remote::new(async || Backend::custom(ExpiringStore::default()));
    ((), remote)
}

equivalence!(custom(), counts_windows: false);
