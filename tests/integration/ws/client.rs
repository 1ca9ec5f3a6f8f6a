//! A WebSocket client that records what it receives.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use traffik_tests::Server;

/// The time after which a silent server counts as finished.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(super) async fn connect(server: &Server, path: &str) -> Self {
        let address = format!("ws://{}{path}", server.address());
        let (socket, _) = connect_async(address).await.expect("the server accepts");
        Self(socket)
    }

    pub(super) async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    /// Sends a message without flushing.
    pub(super) async fn murmur(&mut self, message: impl Into<Message>) {
        self.0.feed(message.into()).await.unwrap();
    }

    pub(super) async fn flush(&mut self) {
        self.0.flush().await.unwrap();
    }

    /// Returns the next message, or `None` at the end.
    pub(super) async fn hear(&mut self) -> Option<Message> {
        let heard = timeout(PATIENCE, self.0.next()).await;
        heard.expect("a message of the server").map(Result::unwrap)
    }

    /// Returns the next message, which has to be a text.
    pub(super) async fn text(&mut self) -> String {
        match self.hear().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// Sends a text and returns the reply.
    pub(super) async fn exchange(&mut self, text: &str) -> String {
        self.send(text).await;
        self.text().await
    }

    /// Returns the code and the reason of the close frame, which ends the connection.
    pub(super) async fn closed(&mut self) -> (u16, String) {
        let close = match self.hear().await {
            Some(Message::Close(Some(frame))) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("no close: {other:?}"),
        };
        assert_eq!(self.hear().await, None);
        close
    }
}
