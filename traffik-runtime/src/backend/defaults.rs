//! What a backend says for throttles that say nothing else.

use std::time::Duration;

use http::request::Parts;

use crate::backend::Backend;
use crate::backend::lock::options::LockOptions;
use crate::callback::Callback;
use crate::callback::identifier::Identifier;
use crate::callback::on_throttled::{OnThrottled, Responder};
use crate::error::Error;
use crate::identity::Identity;
use crate::on_error::policy::Policy;

/// What holds for throttles that say nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    pub(super) on_error: Option<Policy>,
    pub(super) timeout: Option<Duration>,
    pub(super) identifier: Option<Callback<Parts, Result<Identity, Error>>>,
    pub(super) on_throttled: Option<Responder>,
    pub(super) lock_options: Option<LockOptions>,
}

impl Backend {
    /// What happens when it fails, for throttles that do not say that themselves; default: they refuse, as
    /// [`throttle`](crate::on_error::policy::throttle) says.
    ///
    /// ```
    /// use traffik::{Backend, failure::fallback};
    ///
    /// let local = Backend::memory();
    /// let backend = Backend::memory().on_error(fallback(local));
    /// ```
    #[must_use]
    pub fn on_error(self, policy: impl Into<Policy>) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.on_error = Some(policy.into());
        Self::new(inner)
    }

    /// How long a decision may take, retries and fallbacks included, for throttles that do not say that themselves; default
    /// 250 ms, or what the backend's own settings say of an operation.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.timeout = Some(timeout);
        Self::new(inner)
    }

    /// Who is asking, for throttles that do not say that themselves; default: the client's address. A function of the
    /// request's head, async or not, fallible or not.
    ///
    /// ```
    /// use http::request::Parts;
    /// use traffik::{Backend, Identity};
    ///
    /// fn tenant(parts: &Parts) -> Identity {
    ///     let host = parts.headers.get("host");
    ///     host.map_or(Identity::ip(), |host| Identity::new(host.as_bytes()))
    /// }
    ///
    /// let backend = Backend::memory().identifier(tenant);
    /// ```
    #[must_use]
    pub fn identifier<M>(self, identifier: impl Identifier<M>) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.identifier = Some(identifier.into_callback());
        Self::new(inner)
    }

    /// The response to those who are refused, for throttles that do not say that themselves; default: 429 with a problem
    /// (RFC 9457). See [`OnThrottled`].
    #[must_use]
    pub fn on_throttled<M>(self, respond: impl OnThrottled<M>) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.on_throttled = Some(Responder::new(respond));
        Self::new(inner)
    }

    /// How locks are taken where [`lock`](Self::lock) is not told; default: [`LockOptions::default`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::{Backend, LockOptions};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let backend = Backend::memory().lock_options(LockOptions::default().ttl(Duration::from_secs(1)));
    /// let report = backend.lock("report", None).await?;
    /// assert!(report.remaining() <= Duration::from_secs(1));
    /// # Ok::<(), traffik::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn lock_options(self, options: LockOptions) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.lock_options = Some(options);
        Self::new(inner)
    }
}
