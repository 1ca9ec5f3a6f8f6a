//! Which backend decides, borrowed for the time of it.

use std::ops::Deref;
use std::sync::Arc;

use http::request::Parts;
use std::time::Duration;

use arc_swap::Guard;
use tokio::time::Instant;

use crate::backend::{Backend, DEFAULT, EMBEDDED, Inner, Keys};
use crate::callback::Callback;
use crate::callback::on_throttled::Responder;
use crate::client_ip::resolve::ClientIp;
use crate::clock::Clock;
use crate::clock::reading::Reading;
use crate::error::Error;
use crate::identity::Identity;
use crate::on_error::policy::Policy;
use crate::store::Decide;
use crate::store::background::{Background, Operation};
use crate::store::caller::Caller;
use crate::store::erased::Answer;
use crate::store::memory::Memory;
use crate::store::outcome::Outcome;

/// The backend a throttle uses, for the time of a decision; to borrow it costs no shared counter.
pub(crate) enum Chosen<'a> {
    Named(&'a Backend),
    Default(Guard<Arc<Inner>>),
}

impl<'a> Chosen<'a> {
    /// The same once more.
    pub(crate) fn again(&self) -> Chosen<'a> {
        match self {
            Self::Named(backend) => Chosen::Named(backend),
            Self::Default(inner) => Chosen::Default(Guard::from_inner((**inner).clone())),
        }
    }
}

impl Chosen<'_> {
    /// The backend of throttles that name none and were provided none.
    #[inline]
    pub(crate) fn default() -> Self {
        match DEFAULT.get() {
            None => Self::Named(&EMBEDDED),
            Some(set) => Self::Default(set.load()),
        }
    }

    /// A handle to it, to keep.
    pub(crate) fn handle(&self) -> Backend {
        match self {
            Self::Named(backend) => (*backend).clone(),
            Self::Default(inner) => Backend {
                inner: Arc::clone(inner),
            },
        }
    }

    /// Whether both stand for the same states.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.store, &other.store)
    }
}

impl Deref for Chosen<'_> {
    type Target = Inner;

    #[inline]
    fn deref(&self) -> &Inner {
        match self {
            Self::Named(backend) => &backend.inner,
            Self::Default(inner) => inner,
        }
    }
}

impl Inner {
    /// The time laws are told, in microseconds since 1970.
    #[inline(always)]
    pub(crate) fn now(&self) -> u64 {
        self.reading().now
    }

    /// Reads the clock that laws are told the time of.
    #[inline]
    pub(crate) fn reading(&self) -> Reading<'_> {
        match &self.clock {
            None => Reading::of_system(),
            Some(clock) => Reading::of(&**clock),
        }
    }

    /// The time laws are told, if it is not the store's own.
    pub(crate) fn own_time(&self) -> Option<u64> {
        let clock = self.clock.as_ref()?;
        Some(Reading::of(&**clock).now)
    }

    /// The namespace of its keys, encoded, if they are names.
    pub(crate) fn namespace(&self) -> Option<&str> {
        match &self.keys {
            Keys::Here(_) => None,
            Keys::There(_) => Some(&self.namespace),
        }
    }

    pub(crate) const fn has_own_clock(&self) -> bool {
        self.clock.is_some()
    }

    /// The backend's clock, if it is not the system's.
    pub(crate) fn own_clock(&self) -> Option<Arc<dyn Clock>> {
        self.clock.clone()
    }

    /// What happens when it fails, if it was told.
    #[inline]
    pub(crate) fn on_error(&self) -> Option<&Policy> {
        self.defaults.on_error.as_ref()
    }

    /// Who is asking, if it was told how to find out.
    #[inline]
    pub(crate) fn identifier(&self) -> Option<&Callback<Parts, Result<Identity, Error>>> {
        self.defaults.identifier.as_ref()
    }

    /// The response to those who are refused, if it was told.
    pub(crate) fn responder(&self) -> Option<&Responder> {
        self.defaults.on_throttled.as_ref()
    }

    /// How long a decision may take, if it was told.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.defaults.timeout
    }

    /// What kind of store it is, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        self.store().kind()
    }

    /// How its throttles find the addresses of their clients.
    #[inline]
    pub(crate) fn client_ip(&self) -> &ClientIp {
        &self.client_ip
    }

    /// An error if the handle was given settings that make no sense.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.client_ip.check()
    }

    /// The states of this process, if it keeps them there, and nothing else has a say in what is decided.
    #[inline]
    pub(crate) fn plain_memory(&self) -> Option<&Memory> {
        let memory = self.memory.as_deref();
        memory.filter(|memory| !self.is_involved && !memory.is_closed())
    }

    /// An operation on this backend, whose caller waits until a moment.
    pub(crate) fn operation<T: Send + 'static>(
        &self,
        running: Answer<'static, T>,
        caller: Arc<Caller>,
        until: Option<Instant>,
        refused: fn(Outcome) -> T,
    ) -> Operation<T> {
        let background = (self.background.clone(), self.kind());
        Operation::new(running, caller, until, background, refused)
    }

    /// The tasks that go on without their callers.
    pub(crate) fn background(&self) -> &Arc<Background> {
        &self.background
    }

    #[inline]
    pub(crate) fn store(&self) -> &dyn Decide {
        &*self.store
    }
}
