//! A decision on a warm key allocates nothing, admitted or refused.

use std::hint::black_box;
use std::time::Duration;

use allocation_counter::measure;
use http::request::Parts;
use tokio::runtime::Builder;
use traffik::strategy::{FixedWindow, Gcra, SlidingCounter, SlidingLog, Strategy, TokenBucket};
use traffik::{
    Backend, ClientIp, Decision, DynThrottle, DynThrottleBuilder, ForwardingHeader, Identity,
    ManualClock, Provenance, Throttle as _, registry,
};
use traffik_tests::{ExpiringStore, head, midnight, poll_once};

const HITS: u64 = 1_000;

fn throttle(strategy: impl Strategy, backend: Backend) -> DynThrottle {
    let throttle = DynThrottle::builder("warm").rate("1000000/h".parse().unwrap());
    let throttle = throttle.strategy(strategy).backend(backend);
    throttle.build().expect("a throttle that works")
}

fn hit(throttle: &DynThrottle, client: &Identity, cost: u64) -> Decision {
    poll_once(throttle.hit(client, cost)).expect("memory never fails")
}

/// Returns the allocations of a thousand hits, of which this many are admitted.
fn allocations(strategy: impl Strategy, cost: u64, admitted: u64) -> u64 {
    let clock = ManualClock::new();
    let throttle = throttle(strategy, Backend::memory().clock(clock.clone()));
    let clients = [
        "client".into(),
        Identity::new([0xff; 300]),
        Identity::from(7),
    ];
    for client in &clients {
        assert!(hit(&throttle, client, 1).admitted);
    }
    let mut counted = 0;
    let info = measure(|| {
        for place in 0..HITS {
            // Some hits advance the window of the rate.
            clock.advance(Duration::from_secs(10));
            let client = &clients[place as usize % clients.len()];
            counted += u64::from(black_box(hit(&throttle, client, cost)).admitted);
        }
    });
    assert_eq!(counted, admitted);
    info.count_total
}

#[test]
fn allocates_nothing_for_an_admitted_hit() {
    let tolerant = Gcra::new().burst_tolerance(Duration::from_secs(1));
    assert_eq!(allocations(FixedWindow::new(), 1, HITS), 0);
    assert_eq!(allocations(SlidingCounter::new(), 1, HITS), 0);
    assert_eq!(allocations(TokenBucket::new(), 1, HITS), 0);
    assert_eq!(
        allocations(TokenBucket::new().burst(50).debt(9), 1, HITS),
        0
    );
    assert_eq!(allocations(tolerant, 1, HITS), 0);
}

#[test]
fn allocates_nothing_for_a_refused_hit() {
    for impossible in [2_000_000, u64::MAX] {
        assert_eq!(allocations(FixedWindow::new(), impossible, 0), 0);
        assert_eq!(allocations(SlidingCounter::new(), impossible, 0), 0);
        assert_eq!(allocations(TokenBucket::new(), impossible, 0), 0);
        assert_eq!(allocations(Gcra::new(), impossible, 0), 0);
    }
}

/// Refused because the limit is spent, as the hits of a limited client are.
#[test]
fn allocates_nothing_beyond_the_limit() {
    fn spent(strategy: impl Strategy) -> u64 {
        let throttle = throttle(strategy, Backend::memory().clock(ManualClock::new()));
        let client = Identity::new("client");
        assert!(hit(&throttle, &client, 1_000_000).admitted);
        let info = measure(|| {
            for _ in 0..HITS {
                assert!(!black_box(hit(&throttle, &client, 1)).admitted);
            }
        });
        info.count_total
    }
    assert_eq!(spent(FixedWindow::new()), 0);
    assert_eq!(spent(SlidingCounter::new()), 0);
    assert_eq!(spent(TokenBucket::new()), 0);
    assert_eq!(spent(Gcra::new()), 0);
}

/// Neither does a hit that is refused by the state that a shared store has returned before.
#[test]
fn allocates_nothing_for_a_local_refusal() {
    fn refused(strategy: impl Strategy) -> u64 {
        let backend = Backend::custom(ExpiringStore::default()).clock(ManualClock::new());
        let throttle = throttle(strategy, backend);
        let client = Identity::new("client");
        let runtime = Builder::new_current_thread().build().unwrap();
        let hit = |cost| runtime.block_on(throttle.hit(&client, cost)).unwrap();
        assert!(hit(1_000_000).admitted);
        assert_eq!(hit(1).provenance, Provenance::Store);
        let info = measure(|| {
            for _ in 0..HITS {
                let refused = black_box(poll_once(throttle.hit(&client, 1))).unwrap();
                assert_eq!(refused.provenance, Provenance::LocalRefusal);
            }
        });
        info.count_total
    }
    assert_eq!(refused(FixedWindow::new()), 0);
    assert_eq!(refused(SlidingCounter::new()), 0);
    assert_eq!(refused(SlidingLog::new()), 0);
    assert_eq!(refused(TokenBucket::new()), 0);
    assert_eq!(refused(Gcra::new()), 0);
}

/// Neither does a hit that is admitted by units that a shared store has counted before.
#[test]
fn allocates_nothing_for_a_leased_hit() {
    fn leased(strategy: impl Strategy) -> u64 {
        let clock = ManualClock::new();
        let backend = Backend::custom(ExpiringStore::default()).clock(clock);
        let life = Duration::from_secs(1);
        let throttle = throttle(strategy, backend.lease(life));
        let client = Identity::new("client");
        let hit = || poll_once(throttle.hit(&client, 1)).unwrap();
        // Each lease is as large as all hits before it.
        for _ in 0..4 * HITS {
            assert!(hit().admitted);
        }
        let (mut leased, mut allocations) = (0, 0);
        for _ in 0..HITS {
            let mut provenance = Provenance::Store;
            let info = measure(|| provenance = black_box(hit()).provenance);
            if provenance == Provenance::Lease {
                (leased, allocations) = (leased + 1, allocations + info.count_total);
            }
        }
        assert!(leased > HITS / 2, "{leased} leased hits");
        allocations
    }
    assert_eq!(leased(FixedWindow::new()), 0);
    assert_eq!(leased(SlidingCounter::new()), 0);
    assert_eq!(leased(SlidingLog::new()), 0);
    assert_eq!(leased(TokenBucket::new()), 0);
    let tolerant = Gcra::new().burst_tolerance(Duration::from_secs(3_600));
    assert_eq!(leased(tolerant), 0);
}

/// Neither do a cost of 0 and an exempt client.
#[test]
fn allocates_nothing_for_uncounted_hits() {
    let throttle = throttle(FixedWindow::new(), Backend::memory());
    let client = Identity::new("client");
    assert!(hit(&throttle, &client, 1).admitted);
    let info = measure(|| {
        for _ in 0..HITS {
            assert!(black_box(hit(&throttle, &client, 0)).admitted);
            assert!(black_box(hit(&throttle, &Identity::Exempt, 1)).admitted);
        }
    });
    assert_eq!(info.count_total, 0);
}

/// Neither does a rate that the registry has changed.
#[test]
fn allocates_nothing_under_a_changed_rate() {
    let throttle = DynThrottle::builder("changed").rate("2/h".parse().unwrap());
    let throttle = throttle.backend(Backend::memory()).build().unwrap();
    let client = Identity::new("client");
    let rate: traffik::Rate = "1000000/h".parse().unwrap();
    registry().set_rate("changed", rate).unwrap();
    assert!(hit(&throttle, &client, 1).admitted);
    let hits = || {
        let info = measure(|| (0..HITS).for_each(|_| assert!(hit(&throttle, &client, 1).admitted)));
        info.count_total
    };
    assert_eq!(hits(), 0);
    registry().disable("changed").unwrap();
    assert_eq!(hits(), 0);
}

/// Several rates share a slot, and a log is written in place: neither is copied.
#[test]
fn allocates_nothing_for_states_larger_than_a_slot() {
    fn settled(throttle: &DynThrottle, clock: &ManualClock) -> u64 {
        let client = Identity::new("client");
        let hits = |count| {
            for _ in 0..count {
                clock.advance(Duration::from_millis(100));
                black_box(hit(throttle, &client, 1));
            }
        };
        hits(HITS);
        measure(|| hits(HITS)).count_total
    }
    let clock = ManualClock::new();
    let builder =
        || DynThrottle::builder("settled").backend(Backend::memory().clock(clock.clone()));
    let rates = |rates: &[&str], strategy: SlidingLog| {
        let builder = builder().strategy(strategy);
        let rates = rates.iter().map(|rate| rate.parse().unwrap());
        rates
            .fold(builder, DynThrottleBuilder::rate)
            .build()
            .unwrap()
    };
    assert_eq!(settled(&rates(&["50/10s"], SlidingLog::new()), &clock), 0);
    assert_eq!(
        settled(&rates(&["50/10s", "90/20s"], SlidingLog::new()), &clock),
        0
    );
    let windows = builder()
        .rate("50/10s".parse().unwrap())
        .rate("1000/h".parse().unwrap());
    assert_eq!(settled(&windows.build().unwrap(), &clock), 0);
}

traffik::throttles! {
    throttle ByAddress(rate = "1000000/h");
}

/// Returns the allocations of hits that identify the client by the address of this request.
fn allocations_of(parts: &Parts) -> u64 {
    let hit = || {
        let decision = poll_once(ByAddress::hit(parts));
        assert!(decision.is_ok_and(|decision| decision.admitted));
    };
    hit();
    measure(|| (0..HITS).for_each(|_| hit())).count_total
}

#[test]
fn allocates_nothing_to_find_an_address() {
    let (backend, _) = midnight();
    assert_eq!(allocations_of(&head(&backend)), 0);
    let fields = [
        (
            ForwardingHeader::XForwardedFor,
            "9.9.9.9, [2001:db8::7]:80, 192.0.2.3",
        ),
        (
            ForwardingHeader::Forwarded,
            "for=9.9.9.9, for=\"[2001:db8::7]:80\";by=_me",
        ),
    ];
    for (header, value) in fields {
        let client_ip = ClientIp::new().trusted(["192.0.2.0/24"]).header(header);
        let mut parts = head(&backend.clone().client_ip(client_ip));
        let name = header.field().unwrap();
        parts.headers.insert(name, value.parse().unwrap());
        assert_eq!(allocations_of(&parts), 0, "{name}");
    }
}

mod handlers {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use tower::{Service as _, ServiceExt as _};
    use traffik::{Backend, throttled, throttles};

    use super::{HITS, black_box, head, measure};

    throttles! {
        pub(super) throttle Silent(rate = "1000000/h", headers = none);
        pub(super) throttle WithFields(rate = "1000000/h");
        pub(super) throttle WithLegacyFields(rate = "1000000/h", headers = legacy);
        pub(super) throttle Spent(rate = "1/h");
    }

    async fn bare() -> &'static str {
        "hello"
    }

    #[throttled(Silent)]
    async fn silent() -> &'static str {
        "hello"
    }

    #[throttled(WithFields)]
    async fn with_fields() -> &'static str {
        "hello"
    }

    #[throttled(WithLegacyFields)]
    async fn with_legacy_fields() -> &'static str {
        "hello"
    }

    #[throttled(Spent)]
    async fn spent() -> &'static str {
        "hello"
    }

    /// Returns the allocations of a request beyond those of a handler without a throttle.
    #[test]
    fn allocates_for_a_request_as_documented() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let parts = head(&Backend::memory());
        let app = Router::new()
            .route("/bare", get(bare))
            .route("/silent", get(silent))
            .route("/with_fields", get(with_fields))
            .route("/with_legacy_fields", get(with_legacy_fields))
            .route("/spent", get(spent));
        let allocations = |path: &'static str| {
            let mut service = app.clone().into_service::<Body>();
            let request = || {
                let mut parts = parts.clone();
                parts.uri = path.parse().unwrap();
                Request::from_parts(parts, Body::empty())
            };
            let runtime = runtime.as_ref().unwrap();
            runtime.block_on(async {
                for _ in 0..3 {
                    let service = service.ready().await.unwrap();
                    black_box(service.call(request()).await.unwrap());
                }
            });
            let requests: Vec<_> = (0..HITS).map(|_| request()).collect();
            let counted = measure(|| {
                runtime.block_on(async {
                    for request in requests {
                        let service = service.ready().await.unwrap();
                        black_box(service.call(request).await.unwrap());
                    }
                });
            });
            counted.count_total.div_ceil(HITS)
        };
        let bare = allocations("/bare");
        let more = |path| allocations(path) - bare;
        assert_eq!(
            [
                more("/silent"),
                more("/with_fields"),
                more("/with_legacy_fields"),
                more("/spent")
            ],
            [1, 2, 2, 4]
        );
    }
}

mod layers {
    use std::convert::Infallible;

    use axum::body::{Body, Bytes};
    use axum::http::{Request, Response};
    use http_body_util::Full;
    use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _, service_fn};
    use traffik::{Backend, ThrottleLayer};

    use super::handlers::{Silent, Spent, WithFields, WithLegacyFields};
    use super::{HITS, black_box, head, measure};

    const HELLO: Bytes = Bytes::from_static(b"hello");

    /// Returns the allocations of one request to a service below two layers.
    fn allocations_below<B, S>(below: S) -> u64
    where
        S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
    {
        let service = ServiceBuilder::new()
            .layer(ThrottleLayer::new())
            .layer(ThrottleLayer::new());
        allocations(service.service(below))
    }

    /// Returns the allocations of one request to a service.
    fn allocations<B, S>(mut service: S) -> u64
    where
        S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        let parts = head(&Backend::memory());
        let request = || Request::from_parts(parts.clone(), ());
        runtime.block_on(async {
            let service = service.ready().await.unwrap();
            black_box(service.call(request()).await.unwrap());
        });
        let requests: Vec<_> = (0..HITS).map(|_| request()).collect();
        let counted = measure(|| {
            runtime.block_on(async {
                for request in requests {
                    let service = service.ready().await.unwrap();
                    black_box(service.call(request).await.unwrap());
                }
            });
        });
        counted.count_total.div_ceil(HITS)
    }

    #[test]
    fn boxes_a_foreign_body_once() {
        let own = service_fn(async |_| Ok(Response::new(Body::from(HELLO))));
        let other = service_fn(async |_| Ok(Response::new(Full::new(HELLO))));
        assert_eq!(allocations_below(own), allocations_below(other));
    }

    /// Returns the allocations of a layer itself. The response below has no header fields, so the
    /// map for the first ones is counted too.
    #[test]
    fn allocates_for_a_request_as_documented() {
        let below = service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::from(HELLO))));
        let bare = allocations(below);
        let more = |layer: ThrottleLayer| allocations(layer.layer(below)) - bare;
        let layer = ThrottleLayer::new;
        assert_eq!(
            [
                more(layer()),
                more(layer().throttle::<Silent>()),
                more(layer().throttle::<WithFields>()),
                more(layer().throttle::<WithLegacyFields>()),
                more(layer().throttle::<Spent>()),
            ],
            [2, 2, 5, 5, 6]
        );
    }
}

mod messages {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use axum::body::Bytes;
    use axum::extract::FromRequestParts as _;
    use axum::extract::ws::Message;
    use futures_util::{Sink, Stream, StreamExt as _};
    use traffik::{Backend, Limiter, Throttle};

    use super::handlers::{Silent, Spent};
    use super::{HITS, black_box, head, measure, poll_once};

    /// A socket on which this many messages have arrived, and which has room for all others.
    struct Arrived(u64);

    impl Stream for Arrived {
        type Item = Result<Message, Infallible>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.0 = match self.0.checked_sub(1) {
                Some(left) => left,
                None => return Poll::Ready(None),
            };
            Poll::Ready(Some(Ok(Message::Binary(Bytes::from_static(b"hello")))))
        }
    }

    impl Sink<Message> for Arrived {
        type Error = Infallible;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Infallible> {
            black_box(message);
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Returns the messages that a guard delivers, and the allocations for all that arrive.
    fn delivered<T: Throttle>() -> (u64, u64) {
        let mut parts = head(&Backend::memory());
        let limiter = poll_once(Limiter::<T>::from_request_parts(&mut parts, &())).unwrap();
        assert!(poll_once(limiter.hit()).unwrap().admitted);
        let mut guard = limiter.guard(Arrived(HITS));
        let context = &mut Context::from_waker(Waker::noop());
        let mut delivered = 0;
        let info = measure(|| {
            loop {
                match guard.poll_next_unpin(context) {
                    Poll::Ready(Some(message)) => delivered += u64::from(message.is_ok()),
                    Poll::Ready(None) => break,
                    Poll::Pending => {}
                }
            }
        });
        (delivered, info.count_total)
    }

    #[test]
    fn allocates_nothing_for_an_admitted_message() {
        assert_eq!(delivered::<Silent>(), (HITS, 0));
    }

    #[test]
    fn allocates_the_text_of_a_notice() {
        assert_eq!(delivered::<Spent>(), (0, HITS));
    }
}

/// Without this test, a counter that counts nothing would pass all others.
#[test]
fn counts_allocations() {
    let info = measure(|| drop(black_box(vec![0_u8; 9])));
    assert!(info.count_total > 0);
}
