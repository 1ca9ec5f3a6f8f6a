use traffik::Backend;

use super::{Remote, equivalence};
use crate::conformance::Map;

fn custom() -> ((), Remote) {
    let remote = Remote::new(async || Backend::custom(Map::default()));
    ((), remote)
}

equivalence!(custom(), counts_windows: false);
