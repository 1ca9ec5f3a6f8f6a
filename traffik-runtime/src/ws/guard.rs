use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;

use crate::callback::output::{IntoCost, parse_cost};
use crate::error::Error;
use crate::http::limiter::{Bound, Limiter};
use crate::throttle::Throttle;
use crate::ws::decide::judge;
use crate::ws::frame::Frame;
use crate::ws::guard_state::Stage;
use crate::ws::outbox::Slot;
use crate::ws::policy::WsPolicy;
use crate::ws::socket::Socket;
use crate::ws::wakers::Wakers;

/// How many messages are disposed of before others have their turn: those that are read already need no waiting.
const PATIENCE: u32 = 64;

/// A socket whose messages are throttled: only those arrive that were admitted. Made by [`Limiter::guard`].
///
/// Text and binary messages count, each for what the throttle says that a request costs, or for what [`cost`](Self::cost)
/// says. Pings, pongs and closes are free. What becomes of the others says [`on_throttled`](Self::on_throttled). Where a
/// queue delays a message, it arrives that much later, and what is behind it waits.
///
/// Where the backend fails, the throttle's `on_error` decides: to allow delivers the message, to throttle refuses it, and
/// to raise closes the connection with 1013 (try again later). What is no failure of a backend, such as a throttle that
/// cannot work, closes with 1011. Either is logged.
///
/// It is a [`Stream`] of messages and a [`Sink`] for them, as the socket is, and can be split like it. To drop a future
/// of [`recv`](Self::recv) loses no message, and counts none twice.
pub struct Guard<S: Socket> {
    socket: S,
    bound: Arc<Bound>,
    cost: Option<Price<S::Message>>,
    policy: WsPolicy,
    stage: Stage<S::Message>,
    /// What the user sends.
    outgoing: Slot<S::Message>,
    wakers: Arc<Wakers>,
}

type Price<M> = Arc<dyn Fn(&M) -> Result<u64, Error> + Send + Sync>;

impl<T: Throttle> Limiter<T> {
    /// Throttles what arrives by a socket, for this client: axum's `WebSocket`, or whatever else is a
    /// [`Socket`].
    ///
    /// ```
    /// use axum::extract::ws::WebSocket;
    /// use traffik::{Limiter, WsPolicy, throttles, ws};
    ///
    /// throttles! { throttle Upload(rate = "1000000/minute"); }
    ///
    /// async fn receive(socket: WebSocket, limiter: Limiter<Upload>) {
    ///     let mut socket = limiter.guard(socket).cost(ws::bytes).on_throttled(WsPolicy::Close);
    ///     while let Some(Ok(message)) = socket.recv().await {
    ///         println!("{} bytes", ws::bytes(&message));
    ///     }
    /// }
    /// ```
    pub fn guard<S: Socket>(self, socket: S) -> Guard<S> {
        Guard {
            socket,
            bound: self.into_bound(),
            cost: None,
            policy: WsPolicy::default(),
            stage: Stage::Open,
            outgoing: Slot::default(),
            wakers: Arc::default(),
        }
    }
}

impl<S: Socket> Guard<S> {
    /// What becomes of messages that are refused; default: [`WsPolicy::Notify`].
    #[must_use]
    pub fn on_throttled(self, policy: WsPolicy) -> Self {
        Self { policy, ..self }
    }

    /// What a message costs, as any unsigned integer, or a `Result` of one; default: what the throttle says that a request
    /// costs. [`ws::bytes`](crate::ws::frame::bytes) is how many bytes it carries.
    ///
    /// ```
    /// # use traffik::ws::{Guard, Socket};
    /// use axum::extract::ws::Message;
    ///
    /// # fn of<S: Socket<Message = Message>>(guard: Guard<S>) -> Guard<S> {
    /// guard.cost(|message| match message {
    ///     Message::Binary(_) => 5_u32,
    ///     _ => 1,
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn cost<N: IntoCost>(
        self,
        cost: impl Fn(&S::Message) -> N + Send + Sync + 'static,
    ) -> Self {
        let cost = move |message: &S::Message| parse_cost("cost", cost(message));
        Self {
            cost: Some(Arc::new(cost)),
            ..self
        }
    }

    /// The next message that is admitted, or a control message; nothing when the connection has ended. Who stops waiting
    /// for it loses nothing.
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub async fn recv(&mut self) -> Option<Result<S::Message, S::Failure>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Sends a message; nobody throttles that.
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub async fn send(&mut self, message: S::Message) -> Result<(), S::Failure> {
        poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx)).await?;
        Pin::new(&mut *self).start_send(message)?;
        poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// Sends what is still to be sent, and closes the connection.
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub async fn close(&mut self) -> Result<(), S::Failure> {
        poll_fn(|cx| Pin::new(&mut *self).poll_close(cx)).await
    }

    /// The socket.
    pub const fn get_ref(&self) -> &S {
        &self.socket
    }

    /// The socket, of which nothing is throttled any more. A message that was still to be decided on is lost.
    pub fn into_inner(self) -> S {
        self.socket
    }

    /// What comes of the message that was read.
    fn judge(&self, message: S::Message) -> Stage<S::Message> {
        let cost = self.cost.as_ref().map(|cost| cost(&message)).transpose();
        Stage::Judging {
            judging: judge(&self.bound, cost, &self.policy),
            message: Some(message),
        }
    }
}

impl<S: Socket> Stream for Guard<S> {
    type Item = Result<S::Message, S::Failure>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let guard = self.get_mut();
        for mut patience in (0..PATIENCE).rev() {
            guard.stage = match &mut guard.stage {
                Stage::Open => match ready!(Pin::new(&mut guard.socket).poll_next(cx)) {
                    Some(Ok(message)) if !message.is_control() => guard.judge(message),
                    None => Stage::Over,
                    other => return Poll::Ready(other),
                },
                Stage::Judging { message, judging } => {
                    let action = ready!(judging.as_mut().poll(cx));
                    let (stage, admitted) = Stage::after(action, message.take());
                    guard.stage = stage;
                    match admitted {
                        Some(message) => return Poll::Ready(Some(Ok(message))),
                        None => continue,
                    }
                }
                Stage::Telling(slot) => {
                    let waker = guard.wakers.of_receiver(cx);
                    let sending = &mut Context::from_waker(&waker);
                    // If it cannot be told, what is read next says why.
                    let _ = ready!(slot.poll_sent(&mut guard.socket, sending));
                    Stage::Open
                }
                Stage::Parting(parting) => {
                    let waker = guard.wakers.of_receiver(cx);
                    let sending = &mut Context::from_waker(&waker);
                    ready!(parting.poll(&mut guard.socket, cx, sending, &mut patience));
                    Stage::Over
                }
                Stage::Over => return Poll::Ready(None),
            };
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: Socket> Sink<S::Message> for Guard<S> {
    type Error = S::Failure;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Failure>> {
        let guard = self.get_mut();
        let waker = guard.wakers.of_sender(cx);
        let cx = &mut Context::from_waker(&waker);
        guard.outgoing.poll_empty(&mut guard.socket, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: S::Message) -> Result<(), S::Failure> {
        self.get_mut().outgoing.put(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Failure>> {
        let guard = self.get_mut();
        let waker = guard.wakers.of_sender(cx);
        let cx = &mut Context::from_waker(&waker);
        guard.outgoing.poll_sent(&mut guard.socket, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Failure>> {
        let guard = self.get_mut();
        let waker = guard.wakers.of_sender(cx);
        let cx = &mut Context::from_waker(&waker);
        ready!(guard.outgoing.poll_empty(&mut guard.socket, cx))?;
        Pin::new(&mut guard.socket).poll_close(cx)
    }
}

impl<S: Socket + fmt::Debug> fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("socket", &self.socket)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
