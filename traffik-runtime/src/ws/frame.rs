//! Messages, as a guard sees them.

use axum::extract::ws::{CloseFrame, Message};

/// A message of a WebSocket: implemented for that of axum, and with the feature `tungstenite` for
/// that of tungstenite.
pub trait Frame: Sized + Send + Unpin + 'static {
    /// Returns `true` for a ping, a pong or a close, which are never throttled.
    fn is_control(&self) -> bool;

    /// Returns the length of the payload, in bytes.
    fn byte_length(&self) -> usize;

    /// Creates a text message.
    fn of_text(text: String) -> Self;

    /// Creates a close message, with its code and a reason of at most 123 bytes.
    fn of_close(code: u16, reason: String) -> Self;
}

/// Returns the length of a message's payload in bytes, for use as its cost:
/// `limiter.guard(socket).cost(ws::bytes)`. An empty message costs nothing.
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
