//! Sockets whose messages are throttled: behind a [`Limiter`](crate::http::limiter::Limiter) only those arrive that its throttle admits.
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
//! A [`Guard`] translates; what is admitted, throttles decide. Between a message and what becomes of it the guard holds
//! that one message and nothing else: as long as it decides, or waits for room to answer, it reads no further.

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
