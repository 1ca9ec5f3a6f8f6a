//! A queue delays messages.

use std::time::Duration;

use futures_util::SinkExt as _;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use traffik_tests::midnight;

use super::server_side;

traffik::throttles! {
    throttle Slow(rate = "2/s", strategy = leaky_bucket_with_queue(queue_size = 3));
}

#[tokio::test(start_paused = true)]
async fn delays_messages() {
    let (backend, clock) = midnight();
    let (mut guard, mut client) = server_side::<Slow>(&backend, 1_024).await;
    for number in 0..4 {
        client
            .send(Message::text(number.to_string()))
            .await
            .unwrap();
    }
    let start = Instant::now();
    for position in 0..4_u32 {
        let message = guard.recv().await.unwrap().unwrap();
        assert_eq!(message, Message::text(position.to_string()));
        let (due, delay) = (Duration::from_millis(500) * position, start.elapsed());
        // The runtime's timers have a resolution of a millisecond.
        let late = Duration::from_millis(2) * position;
        assert!(delay >= due && delay <= due + late, "{delay:?}");
        // The next message is read after this one: the queue has advanced by then.
        if position > 0 {
            clock.advance(Duration::from_millis(500));
        }
    }
}
