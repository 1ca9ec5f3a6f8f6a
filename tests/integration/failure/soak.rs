//! A server that is killed and restarted at random under constant load. `TRAFFIK_SOAK=90` sets the
//! seconds, and then the test checks the process's memory too.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinSet;
use traffik::failure::failover;
use traffik::{Backend, CircuitBreaker, DynThrottle, Identity};
use traffik_tests::RedisServer;

const LIMIT: u64 = 40;
const PERIOD: Duration = Duration::from_secs(1);
const BUDGET: Duration = Duration::from_millis(100);

/// The extra time that a decision may take on a machine that compiles meanwhile.
const GRACE: Duration = Duration::from_millis(900);

/// Hits this close to the end of a period may count in either, because there are two clocks.
const EDGE: Duration = Duration::from_millis(20);

const TASKS: u64 = 12;
const CLIENTS: u64 = 3;

type Admitted = HashMap<(u64, u128), u64>;

fn throttle(server: &RedisServer) -> DynThrottle {
    let breaker = CircuitBreaker::new().failures(5).successes(2);
    let breaker = breaker.recovery(Duration::from_millis(300));
    let policy = failover(Backend::memory()).breaker(breaker).max_retries(1);
    let backend = Backend::redis(server.url()).lazy().on_error(policy);
    let builder = DynThrottle::builder("soak").rate(format!("{LIMIT}/s").parse().unwrap());
    builder.backend(backend).timeout(BUDGET).build().unwrap()
}

/// Returns the period of a moment, unless the moment is too close to an end of it.
fn period(since_1970: Duration) -> Option<u128> {
    let into = Duration::from_nanos((since_1970.as_nanos() % PERIOD.as_nanos()) as u64);
    let inside = into > EDGE && into + EDGE < PERIOD;
    inside.then(|| since_1970.as_nanos() / PERIOD.as_nanos())
}

fn now() -> Duration {
    SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("a clock after 1970")
}

/// Hits until the test is over and returns the admitted hits by client and period.
async fn load(
    throttle: DynThrottle,
    task: u64,
    over: Arc<AtomicBool>,
    hits: Arc<AtomicU64>,
) -> Admitted {
    let client = task % CLIENTS;
    let identity = Identity::from(client);
    let mut admitted = Admitted::new();
    while !over.load(Ordering::Relaxed) {
        let (start, before) = (Instant::now(), period(now()));
        let decision = throttle.hit(&identity, 1).await;
        let took = start.elapsed();
        assert!(took < BUDGET + GRACE, "a decision took {took:?}");
        let decision = decision.expect("every hit is decided");
        assert!(decision.decided, "one of the backends decides");
        if let (true, Some(period), true) = (decision.admitted, before, before == period(now())) {
            *admitted.entry((client, period)).or_default() += 1;
        }
        hits.fetch_add(1, Ordering::Relaxed);
        // Paces the hits, so that they last as long as the outages.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    admitted
}

/// The outages of a server, and the periods in which it was killed and lost its counts.
#[derive(Default)]
struct Outages {
    count: u32,
    kills: HashMap<u128, u64>,
}

impl Outages {
    fn kill(&mut self, server: &mut RedisServer) {
        let period = || now().as_nanos() / PERIOD.as_nanos();
        let before = period();
        server.kill();
        for period in before..=period() {
            *self.kills.entry(period).or_default() += 1;
        }
    }

    /// Returns the number of budgets that one client can spend in a period: that of the other
    /// backend, and one more than kills.
    fn budgets(&self, period: u128) -> u64 {
        2.max(1 + self.kills.get(&period).copied().unwrap_or_default())
    }
}

/// Kills and restarts the server at random for a time.
fn disrupt(server: &mut RedisServer, time: Duration, outages: &mut Outages) {
    let start = Instant::now();
    let mut seed = now().as_nanos() as u64 | 1;
    println!("seed {seed}");
    let mut random = |range: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        Duration::from_millis(50 + seed % range)
    };
    while start.elapsed() < time {
        // The server is up, stopped or down for random times, in real time.
        std::thread::sleep(random(900));
        if outages.count % 4 == 3 {
            server.stop();
            std::thread::sleep(random(500));
            server.resume();
        } else {
            outages.kill(server);
            std::thread::sleep(random(700));
            server.restart();
        }
        outages.count += 1;
    }
}

/// Returns the pages of this process that are in memory.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn admits_no_more_than_the_limit_while_the_server_is_killed_and_restarted() {
    let long = std::env::var("TRAFFIK_SOAK").ok();
    let seconds = long.as_ref().map_or(6, |it| it.parse().expect("seconds"));
    let mut server = RedisServer::start();
    let throttle = throttle(&server);
    let (over, hits) = (
        Arc::new(AtomicBool::new(false)),
        Arc::<AtomicU64>::default(),
    );
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(load(throttle.clone(), task, over.clone(), hits.clone()));
    }
    let time = Duration::from_secs(seconds);
    let disrupted = tokio::task::spawn_blocking(move || {
        let mut outages = Outages::default();
        disrupt(&mut server, time / 3, &mut outages);
        let before = resident();
        disrupt(&mut server, time * 2 / 3, &mut outages);
        (outages, before, resident())
    });
    let (outages, before, after) = disrupted.await.expect("the server starts again");
    over.store(true, Ordering::Relaxed);
    let mut total = Admitted::new();
    for admitted in tasks.join_all().await {
        for (place, count) in admitted {
            *total.entry(place).or_default() += count;
        }
    }
    let max = total.values().copied().max().unwrap_or_default();
    let hits = hits.load(Ordering::Relaxed);
    let count = outages.count;
    println!("{hits} hits, {count} outages, at most {max} of {LIMIT} in a period");
    assert!(count > 2 && hits > 100);
    assert!(max > LIMIT / 2, "the load is enough to be limited");
    for ((_, period), count) in total {
        let budgets = outages.budgets(period);
        assert!(
            count <= budgets * LIMIT,
            "{count} of {LIMIT}, with {budgets} budgets"
        );
    }
    if let (Some(_), Some(before), Some(after)) = (long, before, after) {
        assert!(after < before + before / 4, "{before} pages became {after}");
    }
}
