//! `Guard`: a socket whose messages are throttled.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;

use crate::callback::output::{IntoCost, parse_cost};
use crate::error::Error;
use crate::flow::Flow;
use crate::http::limiter::{BoundHits, Limiter};
use crate::throttle::Throttle;
use crate::ws::decide::{decide, undecided};
use crate::ws::frame::Frame;
use crate::ws::guard_state::GuardState;
use crate::ws::outbox::Outbox;
use crate::ws::policy::{Action, WsPolicy};
use crate::ws::socket::Socket;
use crate::ws::wakers::Wakers;

/// The number of messages that one poll handles before it yields. Messages that have arrived need
/// no waiting, and could keep the task busy.
const MAX_MESSAGES_PER_POLL: u32 = 64;

/// A socket that delivers only the messages that a throttle admits. Made by [`Limiter::guard`].
///
/// Text and binary messages are counted, each with the throttle's cost of a request or with its own
/// [`cost`](Self::cost). Pings, pongs and closes are free. [`on_throttled`](Self::on_throttled)
/// sets what happens to refused messages. A message that a queue delays arrives later, and those
/// after it wait.
///
/// If the backend fails, the throttle's `on_error` decides: `allow` delivers the message,
/// `throttle` refuses it, and `raise` closes the connection with 1013 (try again later). An error
/// that is no failure of a backend, such as an invalid throttle, closes it with 1011. Both are
/// logged.
///
/// A guard is a [`Stream`] of messages and a [`Sink`] for them, as the socket is, and can be split
/// like it. Dropping a future of [`recv`](Self::recv) loses no message, and counts none twice.
pub struct Guard<S: Socket> {
    socket: S,
    bound: Arc<BoundHits>,
    cost: Option<CostFunction<S::Message>>,
    policy: WsPolicy,
    state: GuardState<S::Message>,
    /// The message that the user sends.
    outgoing: Outbox<S::Message>,
    wakers: Arc<Wakers>,
}

type CostFunction<M> = Arc<dyn Fn(&M) -> Result<u64, Error> + Send + Sync>;

impl<T: Throttle> Limiter<T> {
    /// Throttles the messages that arrive on a socket, for this client: axum's `WebSocket`, or any
    /// other [`Socket`].
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
            state: GuardState::Open,
            outgoing: Outbox::default(),
            wakers: Arc::default(),
        }
    }
}

impl<S: Socket> Guard<S> {
    /// Sets the policy for refused messages; default: [`WsPolicy::Notify`].
    #[must_use]
    pub fn on_throttled(self, policy: WsPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Sets the cost of a message: a function that returns any unsigned integer, or a `Result` of
    /// one; default: the throttle's cost of a request. [`ws::bytes`](crate::ws::frame::bytes)
    /// returns the length of the payload.
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

    /// Returns the next message that is admitted, or a control message; `None` when the connection
    /// has ended. Dropping the future loses no message.
    ///
    /// # Errors
    ///
    /// The error of the socket.
    pub async fn recv(&mut self) -> Option<Result<S::Message, S::Failure>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Sends a message, which is not throttled.
    ///
    /// # Errors
    ///
    /// The error of the socket.
    pub async fn send(&mut self, message: S::Message) -> Result<(), S::Failure> {
        poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx)).await?;
        Pin::new(&mut *self).start_send(message)?;
        poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// Sends pending messages, and closes the connection.
    ///
    /// # Errors
    ///
    /// The error of the socket.
    pub async fn close(&mut self) -> Result<(), S::Failure> {
        poll_fn(|cx| Pin::new(&mut *self).poll_close(cx)).await
    }

    /// Returns the socket.
    pub const fn get_ref(&self) -> &S {
        &self.socket
    }

    /// Returns the socket, without the throttle. A message that is being decided is lost.
    pub fn into_inner(self) -> S {
        self.socket
    }

    /// Decides a message.
    fn decide(&self, message: &S::Message) -> Flow<'static, Action> {
        match self.cost.as_ref().map(|cost| cost(message)).transpose() {
            Ok(cost) => decide(&self.bound, cost, &self.policy),
            Err(error) => Flow::Ready(undecided(&error)),
        }
    }
}

impl<S: Socket> Stream for Guard<S> {
    type Item = Result<S::Message, S::Failure>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let guard = self.get_mut();
        for mut budget in (0..MAX_MESSAGES_PER_POLL).rev() {
            guard.state = match &mut guard.state {
                GuardState::Open => match ready!(Pin::new(&mut guard.socket).poll_next(cx)) {
                    Some(Ok(message)) if !message.is_control() => match guard.decide(&message) {
                        Flow::Ready(Action::Deliver) => return Poll::Ready(Some(Ok(message))),
                        Flow::Ready(action) => GuardState::after(action),
                        Flow::Pending(action) => GuardState::Deciding {
                            message: Some(message),
                            action,
                        },
                    },
                    None => GuardState::Closed,
                    other => return Poll::Ready(other),
                },
                GuardState::Deciding { message, action } => {
                    let action = ready!(action.as_mut().poll(cx));
                    let message = message.take().filter(|_| action == Action::Deliver);
                    guard.state = GuardState::after(action);
                    match message {
                        Some(message) => return Poll::Ready(Some(Ok(message))),
                        None => continue,
                    }
                }
                GuardState::Notifying(outbox) => {
                    let waker = guard.wakers.for_receiver(cx);
                    let sending = &mut Context::from_waker(&waker);
                    // If the notice cannot be sent, the next read returns the error.
                    let _ = ready!(outbox.poll_sent(&mut guard.socket, sending));
                    GuardState::Open
                }
                GuardState::Closing(closing) => {
                    let waker = guard.wakers.for_receiver(cx);
                    let sending = &mut Context::from_waker(&waker);
                    ready!(closing.poll(&mut guard.socket, cx, sending, &mut budget));
                    GuardState::Closed
                }
                GuardState::Closed => return Poll::Ready(None),
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
        if guard.outgoing.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let waker = guard.wakers.for_sender(cx);
        let cx = &mut Context::from_waker(&waker);
        guard.outgoing.poll_empty(&mut guard.socket, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: S::Message) -> Result<(), S::Failure> {
        self.get_mut().outgoing.put(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Failure>> {
        let guard = self.get_mut();
        let waker = guard.wakers.for_sender(cx);
        let cx = &mut Context::from_waker(&waker);
        guard.outgoing.poll_sent(&mut guard.socket, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Failure>> {
        let guard = self.get_mut();
        let waker = guard.wakers.for_sender(cx);
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
