//! WebSockets whose messages are throttled: a guarded socket delivers only the messages that the
//! throttle of a [`Limiter`](crate::http::limiter::Limiter) admits.
//!
//! ```
//! use axum::extract::ws::WebSocketUpgrade;
//! use axum::response::Response;
//! use traffik::{Limiter, throttles};
//!
//! throttles! { throttle ChatMessages(rate = "10/minute"); }
//!
//! async fn chat(ws: WebSocketUpgrade, limiter: Limiter<ChatMessages>) -> Response {
//!     ws.on_upgrade(move |socket| async move {
//!         let mut socket = limiter.guard(socket);
//!         while let Some(Ok(message)) = socket.recv().await {
//!             if socket.send(message).await.is_err() {
//!                 break;
//!             }
//!         }
//!     })
//! }
//! ```
//!
//! A [`Guard`] holds one message at a time: while it decides, or waits for room to send a notice,
//! it reads no other.

pub(crate) mod close;
pub(crate) mod decide;
pub(crate) mod frame;
pub(crate) mod guard;
pub(crate) mod guard_state;
pub(crate) mod outbox;
pub(crate) mod policy;
pub(crate) mod refused_message;
pub(crate) mod socket;
pub(crate) mod wakers;

pub use frame::{Frame, bytes};
pub use guard::Guard;
pub use policy::{Action, Custom, WsPolicy};
pub use refused_message::Refused;
pub use socket::Socket;
