//! Custom policies for refused messages.

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::get;
use tokio_tungstenite::tungstenite::Message;
use traffik::ws::{Action, Refused};
use traffik::{Limiter, WsPolicy, provide};
use traffik_tests::{Server, midnight};

use super::Client;

traffik::throttles! {
    throttle Spoken(rate = "1/minute", uid = "spoken");
    throttle Sung(rate = "1/hour", uid = "sung");
}

type All = (Spoken, Sung);

/// Serves an app that echoes admitted messages and applies a policy to the others.
async fn serve(policy: WsPolicy) -> Server {
    let (backend, _) = midnight();
    let handler = async move |ws: WebSocketUpgrade, limiter: Limiter<All>| -> Response {
        ws.on_upgrade(move |socket| async move {
            let mut socket = limiter.guard(socket).on_throttled(policy);
            while let Some(Ok(message)) = socket.recv().await {
                let _ = socket.send(message).await;
            }
        })
    };
    let app = Router::new().route("/", get(handler));
    Server::start(app.layer(provide(backend))).await
}

async fn connected(server: &Server) -> Client {
    let mut client = Client::connect(server, "/").await;
    assert_eq!(client.exchange("first").await, "first");
    client
}

#[tokio::test]
async fn passes_the_violated_throttle_and_the_wait() {
    fn describe(refused: &Refused) -> Action {
        let decision = refused.decision();
        assert!(!decision.admitted && decision.decided);
        assert_eq!(refused.wait(), decision.wait);
        let path = refused.parts().uri.path();
        let (uid, violated) = (refused.uid(), refused.violated());
        Action::Notify(format!("{uid} {violated:?} {path} {}", refused.notice()))
    }
    let server = serve(WsPolicy::custom(describe)).await;
    let mut client = connected(&server).await;
    let notice = r#"{"type":"rate_limit","error":"Too many messages","retry_after":3600,"retry_after_ms":3600000}"#;
    let expected = format!(r#"sung ["Spoken", "Sung"] / {notice}"#);
    assert_eq!(client.exchange("second").await, expected);
    assert_eq!(client.exchange("third").await, expected);
}

#[tokio::test]
async fn may_send_nothing() {
    let server = serve(WsPolicy::custom(|_| Action::Drop)).await;
    let mut client = connected(&server).await;
    for _ in 0..1_000 {
        client.murmur("unheard").await;
    }
    // No notice precedes this reply.
    client.send(Message::Ping("heard".into())).await;
    let heard = client.hear().await.unwrap();
    assert!(!heard.is_text(), "{heard:?}");
}

#[tokio::test]
async fn may_close_with_a_code_and_a_reason() {
    let close = |_: &Refused| Action::close(4029, "slow down");
    let server = serve(WsPolicy::custom(close)).await;
    let mut client = connected(&server).await;
    client.send("second").await;
    assert_eq!(client.closed().await, (4029, "slow down".to_owned()));

    let server = serve(WsPolicy::custom(|_| Action::Close {
        last: Some("bye".to_owned()),
        code: 1006,
        reason: "ü".repeat(100),
    }))
    .await;
    let mut client = connected(&server).await;
    assert_eq!(client.exchange("second").await, "bye");
    // This code may not be sent, and this reason is too long.
    assert_eq!(client.closed().await, (1008, "ü".repeat(61)));
}

#[tokio::test]
async fn may_deliver_the_message() {
    let server = serve(WsPolicy::custom(|_| Action::Deliver)).await;
    let mut client = connected(&server).await;
    for _ in 0..5 {
        assert_eq!(client.exchange("all the same").await, "all the same");
    }
}

#[tokio::test]
async fn may_be_async() {
    let server = serve(WsPolicy::custom(|refused| {
        let uid = refused.uid().to_owned();
        async move {
            tokio::task::yield_now().await;
            Action::Notify(format!("{uid} refuses"))
        }
    }))
    .await;
    let mut client = connected(&server).await;
    assert_eq!(client.exchange("second").await, "sung refuses");
    assert_eq!(client.exchange("third").await, "sung refuses");
}
