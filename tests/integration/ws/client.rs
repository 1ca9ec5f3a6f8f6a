//! A client of its own: what it is told, it tells.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use traffik_tests::Server;

/// Whoever is silent for so long has nothing more to say.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(super) async fn connect(server: &Server, path: &str) -> Self {
        let address = format!("ws://{}{path}", server.address());
        let (socket, _) = connect_async(address).await.expect("the server accepts");
        Self(socket)
    }

    pub(super) async fn say(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    /// Without waiting for it to be sent.
    pub(super) async fn murmur(&mut self, message: impl Into<Message>) {
        self.0.feed(message.into()).await.unwrap();
    }

    pub(super) async fn flush(&mut self) {
        self.0.flush().await.unwrap();
    }

    /// The next message; nothing at the end.
    pub(super) async fn hear(&mut self) -> Option<Message> {
        let heard = timeout(PATIENCE, self.0.next()).await;
        heard
            .expect("the server says something")
            .map(Result::unwrap)
    }

    /// The next message, which has to be a text.
    pub(super) async fn text(&mut self) -> String {
        match self.hear().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// What is answered to a text.
    pub(super) async fn ask(&mut self, text: &str) -> String {
        self.say(text).await;
        self.text().await
    }

    /// The code and reason with which the server closes, after which it says nothing more.
    pub(super) async fn closed(&mut self) -> (u16, String) {
        let told = match self.hear().await {
            Some(Message::Close(Some(frame))) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("no close: {other:?}"),
        };
        assert_eq!(self.hear().await, None);
        told
    }
}
