//! What becomes of messages that are refused.

use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use crate::ws::close::POLICY_VIOLATION;
use crate::ws::refused_message::Refused;

/// What a [`Guard`](crate::ws::guard::Guard) does about a message that is refused; [`Notify`](Self::Notify) unless something else is
/// said.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum WsPolicy {
    /// Drops the message and tells the client so, in a text message; the connection stays.
    #[default]
    Notify,
    /// Tells the client, and then closes with 1008 (policy violation): the stream ends.
    Close,
    /// Does what a function says: [`custom`](Self::custom).
    Custom(Custom),
}

/// What to do about one message that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Drops the message, and says nothing.
    Drop,
    /// Drops the message, and sends this text.
    Notify(String),
    /// Closes the connection: the stream ends.
    Close {
        /// A text message to send first.
        last: Option<String>,
        /// The status code: 1000–1003, 1007–1014 or 3000–4999. Instead of any other, which may not be sent, 1008 is.
        code: u16,
        /// The reason; what is beyond 123 bytes is cut off.
        reason: String,
    },
    /// Lets the message through all the same.
    Deliver,
}

/// A function of the application's: [`WsPolicy::custom`].
#[derive(Clone)]
pub struct Custom(Arc<Act>);

type Act = dyn Fn(&Refused) -> Acting + Send + Sync;

type Acting = Pin<Box<dyn Future<Output = Action> + Send>>;

impl WsPolicy {
    /// Does what this function says of each message that is refused: a `Fn(&Refused) -> Action`, or one that gives a
    /// future of an [`Action`]. As long as that takes, nothing more is read.
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
        let act = move |refused: &Refused| -> Acting { Box::pin(act(refused).into_future()) };
        Self::Custom(Custom(Arc::new(act)))
    }

    pub(super) async fn act(&self, refused: Refused) -> Action {
        match self {
            Self::Notify => Action::Notify(refused.notice()),
            Self::Close => Action::Close {
                last: Some(refused.notice()),
                code: POLICY_VIOLATION,
                reason: "too many messages".to_owned(),
            },
            Self::Custom(custom) => (custom.0)(&refused).await,
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
