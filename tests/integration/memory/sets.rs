//! Overlapping sets under concurrent hits: all or nothing, and no deadlock.

use http::request::Parts;
use tokio::task::JoinSet;
use traffik::{Backend, Identity, ManualClock, Throttle};
use traffik_tests::{Budget, poll_once};

traffik::throttles! {
    throttle Windows(rate = "300/h", identifier = client);
    throttle Counter(rate = "500/h", strategy = sliding_counter, identifier = client);
    throttle Bucket(rate = "400/h", strategy = token_bucket, identifier = client);
    throttle Spaced(rate = "360/h", strategy = gcra(burst_tolerance = "3590s"), identifier = client);
    throttle Listed(rate = ["350/h", "1000/day"], identifier = client);
    throttle Own(rate = "250/h", strategy = custom(Budget::new()), identifier = client);
    throttle Twice(rate = "3/h", identifier = client);
    throttle Free(rate = "7/h", identifier = client, cost = no_cost);
}

fn client(parts: &Parts) -> Identity {
    parts
        .extensions
        .get()
        .cloned()
        .unwrap_or(Identity::everyone())
}

fn no_cost(_: &Parts) -> u64 {
    0
}

fn request(backend: &Backend, client: impl Into<Identity>) -> Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(backend.clone());
    parts.extensions.insert(client.into());
    parts
}

async fn admits<T: Throttle>(parts: &Parts) -> bool {
    T::hit(parts).await.expect("memory always answers").admitted
}

/// Returns the remaining units of a throttle.
macro_rules! left {
    ($throttle:ty, $parts:expr) => {
        <$throttle>::stat($parts)
            .await
            .expect("memory always answers")
            .hits_remaining
    };
}

/// The sets by their throttles: `Windows`, `Counter`, `Bucket`, `Spaced`, `Listed`, `Own`.
const MEMBERS: [&[usize]; 8] = [
    &[0, 1],
    &[1, 0, 2],
    &[2, 3],
    &[3, 0],
    &[4, 1],
    &[5, 2, 0],
    &[3, 5],
    &[4],
];

async fn hit(set: usize, parts: &Parts) -> bool {
    match set {
        0 => admits::<(Windows, Counter)>(parts).await,
        1 => admits::<(Counter, Windows, Bucket)>(parts).await,
        2 => admits::<(Bucket, Spaced)>(parts).await,
        3 => admits::<(Spaced, Windows)>(parts).await,
        4 => admits::<(Listed, Counter)>(parts).await,
        5 => admits::<(Own, Bucket, Windows)>(parts).await,
        6 => admits::<(Spaced, Own)>(parts).await,
        _ => admits::<Listed>(parts).await,
    }
}

/// Every set is hit until it is refused. Afterwards each throttle has counted exactly the sets that
/// contain it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn charges_overlapping_sets_all_or_nothing() {
    let limits = [300, 500, 400, 360, 350, 250];
    let backend = Backend::memory().clock(ManualClock::new());
    for round in 0..20_u64 {
        let mut tasks = JoinSet::new();
        for task in 0..64_usize {
            let parts = request(&backend, round);
            tasks.spawn(async move {
                let set = task % MEMBERS.len();
                let mut admitted = 0;
                while hit(set, &parts).await {
                    admitted += 1;
                    tokio::task::yield_now().await;
                }
                (set, admitted)
            });
        }
        let mut admitted_by_member = [0; 6];
        for (set, admitted) in tasks.join_all().await {
            for member in MEMBERS[set] {
                admitted_by_member[*member] += admitted;
            }
        }
        let parts = request(&backend, round);
        let left = [
            left!(Windows, &parts),
            left!(Counter, &parts),
            left!(Bucket, &parts),
            left!(Spaced, &parts),
            left!(Listed, &parts),
            left!(Own, &parts),
        ];
        let counted = std::array::from_fn(|member| limits[member] - left[member]);
        assert_eq!(counted, admitted_by_member, "round {round}");
        for (set, members) in MEMBERS.iter().enumerate() {
            assert!(
                members.iter().any(|member| left[*member] == 0),
                "set {set} was refused for nothing"
            );
        }
    }
}

/// Two members in either order, from threads that hit as fast as they can.
#[test]
fn does_not_deadlock_on_opposite_orders() {
    let backend = Backend::memory().clock(ManualClock::new());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let backend = &backend;
            scope.spawn(move || {
                for round in 0..300_u64 {
                    let parts = request(backend, round);
                    let hits = async {
                        match thread % 2 {
                            0 => while admits::<(Windows, Own, Bucket)>(&parts).await {},
                            _ => while admits::<(Bucket, Windows, Own)>(&parts).await {},
                        }
                        assert_eq!(left!(Own, &parts), 0);
                        assert_eq!(left!(Windows, &parts), 50);
                        assert_eq!(left!(Bucket, &parts), 150);
                    };
                    poll_once(hits);
                }
            });
        }
    });
}

/// A throttle that is in a set twice is charged twice, or not at all.
#[tokio::test]
async fn charges_a_throttle_twice_in_a_set() {
    let backend = Backend::memory().clock(ManualClock::new());
    let parts = request(&backend, "client");
    assert!(admits::<(Twice, Twice)>(&parts).await);
    assert_eq!(left!(Twice, &parts), 1);
    assert!(!admits::<(Twice, Twice)>(&parts).await);
    assert_eq!(left!(Twice, &parts), 1);
    assert!(admits::<Twice>(&parts).await);
}

/// A refusal leaves the other members unchanged.
#[tokio::test]
async fn charges_no_member_of_a_refused_set() {
    let backend = Backend::memory().clock(ManualClock::new());
    let parts = request(&backend, "client");
    assert!(Twice::hit_cost(&parts, 3).await.unwrap().admitted);
    for _ in 0..5 {
        assert!(!admits::<(Windows, Own, Twice, Counter)>(&parts).await);
        assert!(!admits::<(Twice, Own)>(&parts).await);
    }
    let untouched = (
        left!(Windows, &parts),
        left!(Own, &parts),
        left!(Counter, &parts),
    );
    assert_eq!(untouched, (300, 250, 500));
    let (windows, twice) = <(Windows, Twice)>::stat(&parts).await.unwrap();
    assert_eq!((windows.hits_remaining, twice.hits_remaining), (300, 0));
    assert!(!<(Windows, Twice)>::check(&parts, 1).await.unwrap());
}

/// Returns the output of an action within half a minute, which a deadlock would exceed.
fn without_deadlock<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, answer) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(what()));
    answer
        .recv_timeout(std::time::Duration::from_secs(30))
        .expect("there is no deadlock")
}

/// A member of cost 0 reports its state while the slots of the set are locked, its own too.
#[test]
fn reports_a_member_of_cost_zero() {
    let parts = request(&Backend::memory(), "client");
    let (admitted, left) = without_deadlock(move || {
        let hit = <(Windows, Free, Counter)>::hit(&parts);
        let decision = poll_once(hit).expect("memory always answers");
        let stat = poll_once(Free::stat(&parts)).expect("memory always answers");
        ((decision.admitted, decision.remaining), stat.hits_remaining)
    });
    assert_eq!((admitted, left), ((true, 7), 7));
}

/// Sets whose members are in the table and in the overflow map, of clients that come and go in a
/// full table: the locks of slots cause no deadlock.
#[test]
fn does_not_deadlock_in_a_full_table() {
    let backend: Backend = traffik::MemoryBackend::builder().capacity(64).into();
    let admitted = without_deadlock(move || {
        let hits = |thread: u64| {
            let backend = backend.clone();
            std::thread::spawn(move || {
                let mut admitted = 0_u64;
                for client in 0..4_000_u64 {
                    let parts = request(&backend, thread * 1_000_000 + client);
                    let decision = match thread % 2 {
                        0 => poll_once(<(Windows, Listed, Own)>::hit(&parts)),
                        _ => poll_once(<(Counter, Bucket)>::hit(&parts)),
                    };
                    admitted += u64::from(decision.expect("memory always answers").admitted);
                }
                admitted
            })
        };
        let threads: Vec<_> = (0..4).map(hits).collect();
        let admitted = threads.into_iter().map(|thread| thread.join().unwrap());
        admitted.sum::<u64>()
    });
    assert_eq!(admitted, 16_000);
}
