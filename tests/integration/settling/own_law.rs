//! Laws of the application's own say themselves what giving back is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use traffik::strategy::{Hit, Strategy};
use traffik::{Backend, DynThrottle, Identity, Report};

use crate::conformance::Map;

/// So much for ever.
#[derive(Debug)]
struct Budget(GivenBack);

/// What becomes of what is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GivenBack {
    Returns,
    IsLost,
    Panics,
}

impl Strategy for Budget {
    type State = u64;
    type Metadata = u64;

    fn name(&self) -> &'static str {
        "budget"
    }

    fn decide(&self, spent: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
        let spent = spent.unwrap_or(0) + hit.cost;
        (spent <= hit.rate.limit()).then_some(spent)
    }

    fn report(&self, spent: Option<&u64>, hit: &Hit<'_>) -> Report {
        let limit = hit.rate.limit();
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
        match self.0 {
            GivenBack::Returns => spent - hit.cost,
            GivenBack::IsLost => spent,
            GivenBack::Panics => panic!("nothing is given back"),
        }
    }
}

fn throttle(given_back: GivenBack, backend: &Backend) -> DynThrottle {
    let throttle = DynThrottle::builder(format!("budget {given_back:?}"));
    let throttle = throttle.rate("10/hour".parse().unwrap());
    let throttle = throttle.strategy(Budget(given_back));
    throttle.backend(backend.clone()).build().unwrap()
}

#[tokio::test]
async fn says_what_is_given_back() {
    for backend in [Backend::memory(), Backend::custom(Map::default())] {
        for (given_back, left) in [(GivenBack::Returns, 8), (GivenBack::IsLost, 5)] {
            let throttle = throttle(given_back, &backend);
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

/// One panic is what the caller hears of, not the end of the process; what was reserved stays taken.
#[tokio::test]
async fn that_panics_while_a_handler_does() {
    for backend in [Backend::memory(), Backend::custom(Map::default())] {
        let throttle = throttle(GivenBack::Panics, &backend);
        let client = Identity::everyone();
        let reserved = throttle.reserve(&client, 4).await.unwrap();
        let heard = catch_unwind(AssertUnwindSafe(|| {
            let _reserved = reserved;
            panic!("the handler's own");
        }));
        let heard = heard.unwrap_err();
        assert_eq!(heard.downcast_ref(), Some(&"the handler's own"));
        tokio::task::yield_now().await;
        let decision = throttle.hit(&client, 1).await.unwrap();
        assert!(decision.admitted);
        assert_eq!(decision.remaining, 5);
    }
}
