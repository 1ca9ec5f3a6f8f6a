//! A queue holds messages back until it is their turn.

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
async fn a_delayed_message_arrives_that_much_later() {
    let (backend, clock) = midnight();
    let (mut guard, mut client) = server_side::<Slow>(&backend, 1_024).await;
    for number in 0..4 {
        client
            .send(Message::text(number.to_string()))
            .await
            .unwrap();
    }
    let start = Instant::now();
    for turn in 0..4_u32 {
        let message = guard.recv().await.unwrap().unwrap();
        assert_eq!(message, Message::text(turn.to_string()));
        let (due, held_back) = (Duration::from_millis(500) * turn, start.elapsed());
        // The runtime's timers count in milliseconds.
        let late = Duration::from_millis(2) * turn;
        assert!(held_back >= due && held_back <= due + late, "{held_back:?}");
        // The next is read when this one is through: the queue has moved on by then.
        if turn > 0 {
            clock.advance(Duration::from_millis(500));
        }
    }
}
