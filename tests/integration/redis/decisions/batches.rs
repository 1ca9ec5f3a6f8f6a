//! Decisions that wait for one connection at the same moment travel in one command, and each has
//! its own answer.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::failure::raise;
use traffik::strategy::{FixedWindow, TokenBucket};
use traffik::{Backend, DynThrottle, ErrorKind, Identity, ManualClock};
use traffik_tests::{Proxy, RedisServer, poll_then_drop};

use super::{admits, connect, each, throttle};

/// Holds the connection busy, so that the decisions that follow do not travel alone.
///
/// The server is suspended meanwhile, which the returned value undoes.
struct Busy<'s>(&'s RedisServer);

impl<'s> Busy<'s> {
    async fn new(server: &'s RedisServer, backend: &Backend, tasks: &mut JoinSet<()>) -> Self {
        server.stop();
        let first = throttle("first", "1000000/h", backend);
        tasks.spawn(async move {
            first.hit(&Identity::new("first"), 1).await.unwrap();
        });
        tokio::task::yield_now().await;
        Self(server)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.resume();
    }
}

/// Makes decisions at one moment, and returns their answers in the order of the calls. They travel
/// in one command, if there are at most 32.
async fn together<T: Send + 'static>(
    server: &RedisServer,
    backend: &Backend,
    calls: Vec<impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut busy_tasks = JoinSet::new();
    let busy = Busy::new(server, backend, &mut busy_tasks).await;
    let count = calls.len();
    let mut tasks = JoinSet::new();
    for (place, call) in calls.into_iter().enumerate() {
        tasks.spawn(async move { (place, call.await) });
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    drop(busy);
    let mut answers = tasks.join_all().await;
    busy_tasks.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    assert_eq!(answers.len(), count);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Builds a throttle whose errors are returned.
fn raising(uid: &str, rate: &str, backend: &Backend) -> DynThrottle {
    let builder = DynThrottle::builder(uid).rate(rate.parse().unwrap());
    let builder = builder.backend(backend.clone()).on_error(raise());
    builder.build().unwrap()
}

/// Returns the number of script calls during an action.
async fn called<T>(server: &RedisServer, action: impl Future<Output = T>) -> (T, u64) {
    let before = server.calls("evalsha");
    let result = action.await;
    (result, server.calls("evalsha") - before)
}

fn hit(throttle: &DynThrottle, client: &str, cost: u64) -> impl Future<Output = bool> + use<> {
    let (throttle, client) = (throttle.clone(), Identity::new(client));
    async move { admits(&throttle, &client, cost).await }
}

/// The second of two hits on one key sees what the first has counted, and a refused hit between
/// admitted ones stops none of them.
#[tokio::test]
async fn decides_in_order_in_one_command() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let throttle = throttle("order", "5/day", &backend);
    let hits = [
        ("a", 3),
        ("a", 3),
        ("b", 5),
        ("a", 2),
        ("b", 1),
        ("c", 6),
        ("c", 5),
    ];
    let calls = hits
        .map(|(client, cost)| hit(&throttle, client, cost))
        .into();
    let (admitted, calls) = called(&server, together(&server, &backend, calls)).await;
    assert_eq!(admitted, [true, false, true, true, false, false, true]);
    // One that kept the connection busy, and one for all others.
    assert_eq!(calls, 2);
    for (client, left) in [("a", 0), ("b", 0), ("c", 0)] {
        let stat = throttle.stat(&Identity::new(client)).await.unwrap();
        assert_eq!(stat.hits_remaining, left, "{client}");
    }
}

/// All strategies, several rates and reads travel together, with the answers that they have alone.
#[tokio::test]
async fn mixes_strategies_sets_and_reads() {
    let server = RedisServer::start();
    let backend = connect(&server).await.clock(ManualClock::new());
    let several = DynThrottle::builder("several").backend(backend.clone());
    let several = several.rate("9/h".parse().unwrap());
    let several = several.rate("3/day".parse().unwrap()).build().unwrap();
    let mut throttles: Vec<_> = each(&backend, 3).into_iter().map(|(_, it)| it).collect();
    throttles.insert(5, several);
    for round in 0..5_u64 {
        let hits = throttles.iter().map(|it| hit(it, "client", 1)).collect();
        let (admitted, calls) = called(&server, together(&server, &backend, hits)).await;
        assert_eq!(admitted, vec![round < 3; throttles.len()], "{round}");
        assert_eq!(calls, 2);
        let reads = throttles.iter().map(|throttle| {
            let throttle = throttle.clone();
            async move {
                let client = Identity::new("client");
                throttle.stat(&client).await.unwrap().hits_remaining
            }
        });
        let reads = together(&server, &backend, reads.collect());
        let (remaining, calls) = called(&server, reads).await;
        let left = 3_u64.saturating_sub(round + 1);
        assert_eq!(remaining, vec![left; throttles.len()], "{round}");
        assert_eq!(calls, 2);
    }
}

/// A batch takes 32 decisions at most.
#[tokio::test]
async fn bounds_a_batch() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let throttle = throttle("bound", "90/day", &backend);
    let calls = (0..100).map(|_| hit(&throttle, "client", 1)).collect();
    let (admitted, calls) = called(&server, together(&server, &backend, calls)).await;
    assert_eq!(admitted.iter().filter(|admitted| **admitted).count(), 90);
    assert_eq!(calls, 1 + 4);
}

/// A value of another type is no state, for its own hit and for those beside it.
#[tokio::test]
async fn takes_a_value_of_another_type_for_no_state() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let throttle = throttle("typed", "5/day", &backend);
    for client in ["a", "b", "c"] {
        assert!(admits(&throttle, &Identity::new(client), 1).await);
    }
    let keys: Vec<String> = server.command(&["KEYS", "*:b}:*"]);
    let [key] = &keys[..] else {
        panic!("one key of the client: {keys:?}");
    };
    let spoil = || {
        let _: u64 = server.command(&["DEL", key]);
        let _: u64 = server.command(&["RPUSH", key, "hello"]);
    };
    spoil();
    let calls = ["a", "b", "c"]
        .map(|client| hit(&throttle, client, 5))
        .into();
    let (admitted, calls) = called(&server, together(&server, &backend, calls)).await;
    assert_eq!(admitted, [false, true, false]);
    assert_eq!(calls, 2);
    // Alone, it counts as none too.
    spoil();
    assert_eq!(
        throttle
            .stat(&Identity::new("b"))
            .await
            .unwrap()
            .hits_remaining,
        5
    );
    assert!(admits(&throttle, &Identity::new("b"), 5).await);
    assert!(!admits(&throttle, &Identity::new("b"), 1).await);
}

/// A server without memory refuses what would write, and decides what would not.
#[tokio::test]
async fn fails_only_the_decisions_that_the_server_has_no_memory_for() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]);
    let backend = connect(&server).await;
    let throttle = raising("full", "1/day", &backend);
    assert!(admits(&throttle, &Identity::new("old"), 1).await);
    let call = |client: &'static str| {
        let throttle = throttle.clone();
        async move { throttle.hit(&Identity::new(client), 1).await }
    };
    let () = server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let busy = throttle.clone();
    let first = async move { busy.hit(&Identity::new("old"), 1).await };
    let mut tasks = JoinSet::new();
    server.stop();
    tasks.spawn(first);
    tokio::task::yield_now().await;
    let calls = [call("new"), call("old"), call("newer")];
    let calls: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    server.resume();
    let mut kinds = Vec::new();
    for call in calls {
        let result = call.await.unwrap();
        kinds.push(result.map(|decision| decision.admitted).map_err(|error| {
            assert!(!error.may_have_counted(), "{error}");
            assert!(error.to_string().contains("OOM"), "{error}");
            error.kind()
        }));
    }
    let full = Err(ErrorKind::Connection);
    assert_eq!(kinds, [full, Ok(false), full]);
    assert!(!tasks.join_next().await.unwrap().unwrap().unwrap().admitted);
}

/// A server that has lost its scripts gets them again, and each hit counts once.
#[tokio::test]
async fn sends_a_flushed_script_again() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let throttle = throttle("flushed", "100/day", &backend);
    let () = server.command(&["SCRIPT", "FLUSH"]);
    let calls = (0..20).map(|_| hit(&throttle, "client", 1)).collect();
    let admitted = together(&server, &backend, calls).await;
    assert_eq!(admitted, [true; 20]);
    assert_eq!(server.calls("eval"), 2);
    let stat = throttle.stat(&Identity::new("client")).await.unwrap();
    assert_eq!(stat.hits_remaining, 80);
}

/// One task makes one command a decision, and many tasks far fewer. All of them together admit
/// exactly the limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admits_exactly_the_limit_in_fewer_commands() {
    const HITS: u64 = 40;
    let server = RedisServer::start();
    let backend = connect(&server).await;
    for (name, strategy) in [("windows", true), ("buckets", false)] {
        let builder = DynThrottle::builder(name).rate("1000/day".parse().unwrap());
        let builder = if strategy {
            builder.strategy(FixedWindow::new())
        } else {
            builder.strategy(TokenBucket::new())
        };
        let throttle = builder.backend(backend.clone()).build().unwrap();
        let one_task = async {
            for _ in 0..HITS {
                assert!(admits(&throttle, &Identity::new("alone"), 1).await);
            }
        };
        assert_eq!(called(&server, one_task).await.1, HITS);
        let crowd = async {
            let mut tasks = JoinSet::new();
            for _ in 0..64 {
                let throttle = throttle.clone();
                tasks.spawn(async move {
                    let mut admitted = 0_u64;
                    for _ in 0..HITS {
                        admitted += u64::from(admits(&throttle, &Identity::new("crowd"), 1).await);
                    }
                    admitted
                });
            }
            tasks.join_all().await.into_iter().sum::<u64>()
        };
        let (admitted, calls) = called(&server, crowd).await;
        assert_eq!(admitted, 1_000);
        assert!(calls < 64 * HITS / 2, "{calls} commands");
    }
}

/// A hit that is dropped at any poll harms none beside it, and is refunded.
#[tokio::test]
async fn refunds_what_is_dropped_at_any_poll() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let throttle = throttle("dropped", "1000/day", &backend);
    let client = Identity::new("client");
    let mut counted = 0;
    for polls in 0..12 {
        let mut tasks = JoinSet::new();
        for _ in 0..5 {
            let (throttle, client) = (throttle.clone(), client.clone());
            tasks.spawn(async move { throttle.hit(&client, 1).await.unwrap().admitted });
        }
        tokio::task::yield_now().await;
        let is_done = poll_then_drop(throttle.hit(&client, 10), polls).await;
        assert_eq!(tasks.join_all().await, [true; 5]);
        counted += 5 + if is_done { 10 } else { 0 };
        // The refund runs in the background.
        let start = Instant::now();
        loop {
            let remaining = throttle.stat(&client).await.unwrap().hits_remaining;
            if remaining == 1_000 - counted {
                break;
            }
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{polls}: {remaining}"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// An error of a whole command is that of each of its decisions, and none is counted twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_the_error_of_a_command() {
    const HITS: u64 = 30;
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let settings = super::super::settings(proxy.url());
    let backend = settings.timeout(Duration::from_millis(400)).connect().await;
    let throttle = raising("shared", "1000/day", &backend.unwrap());
    let faults = [
        Proxy::close_on_reply,
        Proxy::truncate_replies,
        Proxy::discard_replies,
    ];
    // A connection may close before more than the first decision was written.
    let mut is_shared = false;
    for (place, spoil) in faults.into_iter().enumerate() {
        let client = Identity::from(place as u64);
        let before = remaining(&throttle, &client).await;
        spoil(&proxy);
        let mut tasks = JoinSet::new();
        for _ in 0..HITS {
            let (throttle, client) = (throttle.clone(), client.clone());
            tasks.spawn(async move { throttle.hit(&client, 1).await });
        }
        let results = tasks.join_all().await;
        proxy.forward();
        // The replies that were lost would make those behind them answer other commands.
        let _: i64 = server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        let admitted = results.iter().filter(|result| result.is_ok()).count() as u64;
        let errors = results.iter().filter_map(|result| result.as_ref().err());
        let uncertain = errors.filter(|error| error.may_have_counted()).count() as u64;
        let counted = before - remaining(&throttle, &client).await;
        assert!(uncertain > 0, "{place}: {results:?}");
        is_shared |= uncertain > 1;
        let possible = admitted..=admitted + uncertain;
        assert!(
            possible.contains(&counted),
            "{place}: {counted} of {possible:?}"
        );
    }
    assert!(is_shared, "a call without replies has several decisions");
}

/// Returns what is left to a client as soon as the backend answers again.
async fn remaining(throttle: &DynThrottle, client: &Identity) -> u64 {
    let start = Instant::now();
    loop {
        if let Ok(stat) = throttle.stat(client).await {
            return stat.hits_remaining;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "it never came back"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A reply that comes late is each caller's own, even if another caller did not wait for it.
#[tokio::test]
async fn answers_late_callers_with_their_own_replies() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let backend = super::super::settings(proxy.url()).connect().await.unwrap();
    let throttle = throttle("late", "1000/day", &backend);
    proxy.delay(Duration::from_millis(50));
    let mut tasks = JoinSet::new();
    for cost in 1..=20_u64 {
        let throttle = throttle.clone();
        tasks.spawn(async move {
            let client = Identity::from(cost);
            let hit = throttle.hit(&client, cost);
            if cost % 3 == 0 {
                let cut = tokio::time::timeout(Duration::from_millis(20), hit).await;
                assert!(cut.is_err());
            } else {
                let decision = hit.await.unwrap();
                assert_eq!(decision.remaining, 1_000 - cost);
            }
        });
    }
    tasks.join_all().await;
}
