//! A client that sends and does not read is no longer read.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use traffik::Backend;
use traffik::testing::FlakyStore;

use super::server_side;

traffik::throttles! {
    throttle Two(rate = "2/hour");
}

#[tokio::test(start_paused = true)]
async fn does_not_buffer_notices() {
    const MESSAGES: usize = 5_000;
    let store = FlakyStore::new();
    let backend = Backend::custom(store.clone());
    let (mut guard, client) = server_side::<Two>(&backend, 1_024).await;
    let (mut saying, mut hearing) = client.split();

    let serving = tokio::spawn(async move {
        let mut received = 0;
        while let Some(Ok(message)) = guard.recv().await {
            received += usize::from(message.is_text());
        }
        received
    });
    let talking = tokio::spawn(async move {
        for _ in 0..MESSAGES {
            saying.send(Message::text("text")).await.unwrap();
        }
        saying
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(
        !talking.is_finished(),
        "the server buffers {MESSAGES} messages"
    );
    // The pipe has room for ten notices, each after one operation of the store.
    let looked = store.calls();
    assert!(looked < 50, "{looked}");

    let heard = async {
        for _ in 0..MESSAGES - 2 {
            let text = hearing.next().await.unwrap().unwrap().to_string();
            assert!(text.contains("rate_limit"), "{text}");
        }
    };
    timeout(Duration::from_secs(60), heard).await.unwrap();
    talking.await.unwrap().close().await.unwrap();
    assert_eq!(serving.await.unwrap(), 2);
}
