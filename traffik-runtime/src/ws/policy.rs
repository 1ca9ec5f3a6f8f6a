//! Policies for refused messages.

use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

use crate::flow::{BoxFuture, Flow};
use crate::ws::close::POLICY_VIOLATION;
use crate::ws::refused_message::Refused;

/// The policy of a [`Guard`](crate::ws::guard::Guard) for refused messages; default:
/// [`Notify`](Self::Notify).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum WsPolicy {
    /// Drops the message, and notifies the client in a text message. The connection stays open.
    #[default]
    Notify,
    /// Notifies the client, and closes the connection with 1008 (policy violation). The stream
    /// ends.
    Close,
    /// Calls a function: [`custom`](Self::custom).
    Custom(Custom),
}

/// The action on one refused message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Drops the message.
    Drop,
    /// Drops the message, and sends this text.
    Notify(String),
    /// Closes the connection. The stream ends.
    Close {
        /// A text message that is sent first.
        last: Option<String>,
        /// The status code: 1000–1003, 1007–1014 or 3000–4999. Other codes must not be sent, and
        /// are replaced by 1008.
        code: u16,
        /// The reason. It is truncated to 123 bytes.
        reason: String,
    },
    /// Delivers the message.
    Deliver,
}

/// A function of the application: [`WsPolicy::custom`].
#[derive(Clone)]
pub struct Custom(Arc<ActFn>);

type ActFn = dyn Fn(&Refused) -> BoxFuture<'static, Action> + Send + Sync;

impl WsPolicy {
    /// Calls a function with each refused message: a `Fn(&Refused) -> Action`, or one that returns
    /// a future of an [`Action`]. No other message is read until it is complete.
    ///
    /// ```
    /// use traffik::{WsPolicy, ws::Action};
    ///
    /// let patient = WsPolicy::custom(|refused| match refused.wait() {
    ///     Some(wait) if wait.as_secs() < 10 => Action::Drop,
    ///     _ => Action::close(4029, "come back later"),
    /// });
    /// let logged = WsPolicy::custom(|refused| {
    ///     let (uid, notice) = (refused.uid().to_owned(), refused.notice());
    ///     async move {
    ///         println!("{uid} refused a message"); // or something that takes longer
    ///         Action::Notify(notice)
    ///     }
    /// });
    /// ```
    pub fn custom<F, A>(act: F) -> Self
    where
        F: Fn(&Refused) -> A + Send + Sync + 'static,
        A: IntoFuture<Output = Action>,
        A::IntoFuture: Send + 'static,
    {
        let act = move |refused: &Refused| -> BoxFuture<'static, Action> {
            Box::pin(act(refused).into_future())
        };
        Self::Custom(Custom(Arc::new(act)))
    }

    /// Returns the action on a refused message.
    pub(super) fn act(&self, refused: &Refused) -> Flow<'static, Action> {
        match self {
            Self::Notify => Flow::Ready(Action::Notify(refused.notice())),
            Self::Close => Flow::Ready(Action::Close {
                last: Some(refused.notice()),
                code: POLICY_VIOLATION,
                reason: "too many messages".to_owned(),
            }),
            Self::Custom(custom) => Flow::Pending((custom.0)(refused)),
        }
    }
}

impl Action {
    /// Closes with this code and reason, and nothing before them.
    pub fn close(code: u16, reason: impl Into<String>) -> Self {
        Self::Close {
            last: None,
            code,
            reason: reason.into(),
        }
    }
}

impl IntoFuture for Action {
    type Output = Self;
    type IntoFuture = Ready<Self>;

    fn into_future(self) -> Ready<Self> {
        ready(self)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custom")
    }
}
