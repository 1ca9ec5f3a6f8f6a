//! Laws of the application's own say themselves what giving back is.

use std::time::Duration;

use traffik::strategy::{Hit, Strategy};
use traffik::{Backend, DynThrottle, Identity, Report};

use crate::conformance::Map;

/// So much for ever; what is given back is there again if `returns`.
#[derive(Debug)]
struct Budget {
    returns: bool,
}

impl Strategy for Budget {
    type State = u64;
    type Metadata = u64;

    fn name(&self) -> &'static str {
        "budget"
    }

    fn decide(&self, spent: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
        let spent = spent.unwrap_or(0) + hit.cost;
        (spent <= u64::from(hit.rate.limit())).then_some(spent)
    }

    fn report(&self, spent: Option<&u64>, hit: &Hit<'_>) -> Report {
        let limit = u64::from(hit.rate.limit());
        let remaining = limit - spent.copied().unwrap_or(0);
        Report {
            limit,
            remaining,
            wait: (hit.cost <= remaining).then_some(Duration::ZERO),
            reset: hit.rate.period(),
            ..Report::default()
        }
    }

    fn metadata(&self, spent: Option<&u64>, _: &Hit<'_>) -> u64 {
        spent.copied().unwrap_or(0)
    }

    fn give_back(&self, spent: u64, hit: &Hit<'_>, now: u64) -> u64 {
        assert!(hit.now <= now);
        if self.returns {
            spent - hit.cost
        } else {
            spent
        }
    }
}

#[tokio::test]
async fn says_what_is_given_back() {
    for backend in [Backend::memory(), Backend::custom(Map::default())] {
        for (returns, left) in [(true, 8), (false, 5)] {
            let throttle = DynThrottle::builder(format!("budget {returns}"))
                .rate("10/hour".parse().unwrap())
                .strategy(Budget { returns })
                .backend(backend.clone())
                .build()
                .unwrap();
            let client = Identity::everyone();
            let reserved = throttle.reserve(&client, 5).await.unwrap();
            reserved.settle(2).await.unwrap();
            assert_eq!(throttle.stat(&client).await.unwrap().hits_remaining, left);
            // What goes beyond is asked of the law, which charges what it admits.
            let reserved = throttle.reserve(&client, 1).await.unwrap();
            reserved.settle(3).await.unwrap();
            assert_eq!(
                throttle.stat(&client).await.unwrap().hits_remaining,
                left - 3
            );
        }
    }
}
