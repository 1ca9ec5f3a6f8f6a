//! The counted operations.
//!
//! Strategies run on a manual clock, which goes on by a tenth of a millisecond before each hit, so
//! that each run does the same work. The others read the system's clock, which is part of their
//! cost.

use std::hint::black_box;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use tower_service::Service as _;
use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Strategy, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{Identity, ManualClock, MemoryBackend, Rate};

use crate::apps::{Job, attribute, bare, layer, request};
use crate::keys::key;
use crate::measure::ready;
use crate::messages::{Admitting, Refusing, TEXT, read_bare, read_guarded};
use crate::sets::{Daily, Hourly, SetHit, Spent, Weekly, hit_all, parts};
use crate::sides::{throttle, throttle_of};

/// An operation to count, which repeats itself a number of times.
pub struct Operation {
    /// The name under which its count is recorded.
    pub name: String,
    /// Runs it.
    pub run: Box<dyn FnMut(u64)>,
    /// The operation whose count is subtracted, by name.
    pub beyond: Option<&'static str>,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Runs before the count. The client of the first thousand requests is searched for more closely.
const WARM_UP: u64 = 2_000;

/// The operation that an application performs without a limiter.
const BARE: &str = "a request without a limiter";

/// Returns every operation. Each has run before, so that its client has a slot.
pub fn operations() -> Vec<Operation> {
    let mut operations = decisions();
    operations.extend(strategies());
    operations.extend(sets());
    operations.extend(applications());
    operations.extend(sockets());
    for operation in &mut operations {
        (operation.run)(WARM_UP);
    }
    operations
}

fn decisions() -> Vec<Operation> {
    let sides = [
        ("a decision, admitted", Rate::per_hour(u32::MAX.into())),
        ("a decision, refused", Rate::per_day(1)),
    ];
    let operations = sides.map(|(name, rate)| {
        let (throttle, client) = (throttle(FixedWindow::new(), rate), Identity::new(key(0)));
        operation(name, move || {
            black_box(ready(throttle.hit(&client, 1)).is_ok());
        })
    });
    operations.into()
}

fn strategies() -> Vec<Operation> {
    let tiers = Tiered::new().tier("free", 1.0).default_tier("free");
    let tolerant = Gcra::new().burst_tolerance(Duration::from_secs(1));
    vec![
        strategy(FixedWindow::new()),
        strategy(SlidingLog::new()),
        strategy(SlidingCounter::new()),
        strategy(TokenBucket::new()),
        strategy(LeakyBucket::new()),
        strategy(LeakyBucketWithQueue::new()),
        strategy(tolerant),
        strategy(tiers),
        strategy(Adaptive::new()),
        strategy(Priority::new()),
        strategy(QuotaWithRollover::new()),
        strategy(TimeOfDay::new()),
        strategy(CostBasedTokenBucket::new()),
    ]
}

fn strategy(strategy: impl Strategy) -> Operation {
    let mut now = Duration::from_secs(1_000_000_000);
    let clock = ManualClock::at(now);
    let backend = MemoryBackend::builder().clock(clock.clone());
    let name = format!("strategy {}", strategy.name());
    let throttle = throttle_of(strategy, &[Rate::per_second(100)], backend.build());
    let client = Identity::new(key(0));
    operation(&name, move || {
        now += Duration::from_micros(100);
        clock.set(now);
        black_box(ready(throttle.hit(&client, 1)).is_ok());
    })
}

fn sets() -> Vec<Operation> {
    let sides: [(&str, SetHit); 3] = [
        ("a set of two, admitted", hit_all::<(Hourly, Daily)>),
        (
            "a set of three, admitted",
            hit_all::<(Hourly, Daily, Weekly)>,
        ),
        ("a set of two, refused", hit_all::<(Hourly, Spent)>),
    ];
    let operations = sides.map(|(name, set)| {
        let parts = parts();
        operation(name, move || set(&parts))
    });
    operations.into()
}

fn applications() -> Vec<Operation> {
    let mut operations = vec![application(BARE, bare())];
    for job in Job::ALL {
        for (form, app) in [("attribute", attribute(job)), ("layer", layer(job))] {
            operations.push(Operation {
                beyond: Some(BARE),
                ..application(&format!("{form}, {}", job.name()), app)
            });
        }
    }
    operations
}

fn application(name: &str, mut app: Router) -> Operation {
    operation(name, move || {
        let request: Request = request();
        black_box(ready(app.call(request)).is_ok());
    })
}

/// Reads messages of a WebSocket, without a network.
fn sockets() -> Vec<Operation> {
    type Read = fn(&[u8], usize) -> usize;
    const SOCKET: &str = "a message of a bare socket";
    let sides: [(&str, Read, Option<&str>); 3] = [
        (SOCKET, read_bare, None),
        ("guard, admitted", read_guarded::<Admitting>, Some(SOCKET)),
        ("guard, refused", read_guarded::<Refusing>, Some(SOCKET)),
    ];
    let operations = sides.map(|(name, read, beyond)| Operation {
        name: name.to_owned(),
        run: Box::new(move |times| {
            black_box(read(TEXT, usize::try_from(times).unwrap_or(usize::MAX)));
        }),
        beyond,
    });
    operations.into()
}

fn operation(name: &str, mut once: impl FnMut() + 'static) -> Operation {
    Operation {
        name: name.to_owned(),
        run: Box::new(move |times| (0..times).for_each(|_| once())),
        beyond: None,
    }
}
