//! What a guard has to know of messages.

use axum::extract::ws::{CloseFrame, Message};

/// A message of a WebSocket, whichever library it is of: implemented for axum's, and with the feature `tungstenite` for
/// tungstenite's.
pub trait Frame: Sized + Send + Unpin + 'static {
    /// Whether it is a ping, a pong or a close, which are never throttled.
    fn is_control(&self) -> bool;

    /// How many bytes it carries.
    fn byte_length(&self) -> usize;

    /// A text message.
    fn of_text(text: String) -> Self;

    /// A close, with its code and a reason of at most 123 bytes.
    fn of_close(code: u16, reason: String) -> Self;
}

/// How many bytes a message carries, as its cost: `limiter.guard(socket).cost(ws::bytes)`. An empty one costs nothing.
///
/// ```
/// use axum::extract::ws::Message;
/// use traffik::ws;
///
/// assert_eq!(ws::bytes(&Message::text("grüße")), 7);
/// ```
pub fn bytes<M: Frame>(message: &M) -> usize {
    message.byte_length()
}

impl Frame for Message {
    fn is_control(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Binary(_))
    }

    fn byte_length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data.len(),
            Self::Close(frame) => frame.as_ref().map_or(0, |frame| 2 + frame.reason.len()),
        }
    }

    fn of_text(text: String) -> Self {
        Self::Text(text.into())
    }

    fn of_close(code: u16, reason: String) -> Self {
        Self::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        }))
    }
}

#[cfg(feature = "tungstenite")]
impl Frame for tungstenite::Message {
    fn is_control(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Binary(_))
    }

    fn byte_length(&self) -> usize {
        self.len()
    }

    fn of_text(text: String) -> Self {
        Self::Text(text.into())
    }

    fn of_close(code: u16, reason: String) -> Self {
        Self::Close(Some(tungstenite::protocol::CloseFrame {
            code: code.into(),
            reason: reason.into(),
        }))
    }
}
