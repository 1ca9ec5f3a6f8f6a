//! A dropped future of `recv` loses no message and counts none twice.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _, poll};
use tokio::task::JoinHandle;
use tokio::time::advance;
use tokio_tungstenite::tungstenite::Message;
use traffik::testing::{Fault, FlakyStore};
use traffik::ws::Guard;
use traffik::{Backend, Throttle, WsPolicy};
use traffik_tests::{head, midnight};

use super::pipe::End;
use super::server_side;

traffik::throttles! {
    throttle Ample(rate = "100/hour");
    throttle Scarce(rate = "8/hour");
    throttle Queued(rate = "1000/s", strategy = leaky_bucket_with_queue(queue_size = 100));
}

const MESSAGES: usize = 30;

/// A store that replies after a delay, twice for each decision.
fn slow() -> Backend {
    let store = FlakyStore::new();
    store.fail(Fault::Delay(Duration::from_millis(5)));
    let (_, clock) = midnight();
    Backend::custom(store).clock(clock)
}

/// Sends all messages and returns the messages that it receives until the end.
fn client(end: End) -> JoinHandle<Vec<String>> {
    let (mut saying, mut hearing) = end.split();
    tokio::spawn(async move {
        let sent = tokio::spawn(async move {
            for number in 0..MESSAGES {
                let _ = saying.send(Message::text(number.to_string())).await;
            }
            saying
        });
        let mut received = Vec::new();
        while let Some(Ok(message)) = hearing.next().await {
            match message {
                Message::Text(text) => received.push(text.to_string()),
                other => assert!(other.is_close()),
            }
        }
        drop(sent.await.unwrap());
        received
    })
}

/// Returns the received messages if each future is dropped after this many polls.
async fn received(guard: &mut Guard<End>, polls: usize, until: usize) -> Vec<String> {
    let mut received = Vec::new();
    // The loop is bounded, so that a guard without progress fails.
    for _ in 0..100_000 {
        let mut recv = Box::pin(guard.recv());
        for _ in 0..polls {
            if let std::task::Poll::Ready(message) = poll!(&mut recv) {
                received.push(message.unwrap().unwrap().to_string());
                break;
            }
            // All pending operations make progress step by step.
            advance(Duration::from_millis(1)).await;
        }
        drop(recv);
        if received.len() == until {
            // The remaining messages are refused or do not exist.
            for _ in 0..5_000 {
                assert!(poll!(Box::pin(guard.recv())).is_pending());
                advance(Duration::from_millis(1)).await;
            }
            return received;
        }
    }
    panic!("it got no further than {received:?}");
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

async fn left<T: Throttle<Stat = traffik::Stat<M>>, M>(backend: &Backend) -> u64 {
    T::stat(&head(backend)).await.unwrap().hits_remaining
}

#[tokio::test(start_paused = true)]
async fn delivers_and_counts_every_message_once() {
    for polls in [1, 2, 3, 7] {
        let backend = slow();
        let (mut guard, end) = server_side::<Ample>(&backend, 64).await;
        let notices = client(end);
        let received = received(&mut guard, polls, MESSAGES).await;
        assert_eq!(received, numbers(MESSAGES));
        guard.close().await.unwrap();
        drop(guard);
        assert_eq!(notices.await.unwrap(), [""; 0]);
        assert_eq!(left::<Ample, _>(&backend).await, 100 - MESSAGES as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn sends_every_notice_once_and_whole() {
    for polls in [1, 2, 3, 7] {
        let backend = slow();
        // Less room than a notice needs.
        let (mut guard, end) = server_side::<Scarce>(&backend, 64).await;
        let notices = client(end);
        assert_eq!(received(&mut guard, polls, 8).await, numbers(8));
        guard.close().await.unwrap();
        drop(guard);
        let notice = r#"{"type":"rate_limit","error":"Too many messages","retry_after":3600,"retry_after_ms":3600000}"#;
        assert_eq!(notices.await.unwrap(), vec![notice; MESSAGES - 8]);
    }
}

#[tokio::test(start_paused = true)]
async fn resumes_the_delay_of_a_queue() {
    let (backend, _) = midnight();
    let (mut guard, end) = server_side::<Queued>(&backend, 64).await;
    let notices = client(end);
    assert_eq!(received(&mut guard, 1, MESSAGES).await, numbers(MESSAGES));
    guard.close().await.unwrap();
    drop(guard);
    assert_eq!(notices.await.unwrap(), [""; 0]);
    assert_eq!(left::<Queued, _>(&backend).await, 100 - MESSAGES as u64);
}

#[tokio::test(start_paused = true)]
async fn delivers_the_end() {
    let backend = slow();
    let (guard, end) = server_side::<Scarce>(&backend, 64).await;
    let mut guard = guard.on_throttled(WsPolicy::Close);
    let notices = client(end);
    let mut received = 0;
    let ended = async {
        loop {
            let mut recv = Box::pin(guard.recv());
            match poll!(&mut recv) {
                std::task::Poll::Ready(None) => break,
                std::task::Poll::Ready(Some(message)) => {
                    message.unwrap();
                    received += 1;
                }
                std::task::Poll::Pending => {}
            }
            drop(recv);
            advance(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended)
        .await
        .unwrap();
    assert_eq!(received, 8);
    drop(guard);
    assert_eq!(notices.await.unwrap().len(), 1);
}
