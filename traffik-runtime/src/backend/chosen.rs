//! Which backend decides, borrowed for the time of it.

use std::sync::Arc;
use std::time::Duration;

use super::store::Decide;
use super::{Backend, DEFAULT, EMBEDDED, Inner, Keys};
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::failure::Policy;
use crate::http::{ClientIp, Question, Responder};
use crate::identity::Identity;

/// The backend a throttle uses, for the time of a decision; to borrow it costs no shared counter.
pub(crate) enum Chosen<'a> {
    Named(&'a Backend),
    Default(arc_swap::Guard<Option<Arc<Inner>>>),
}

impl<'a> Chosen<'a> {
    /// The same once more.
    pub(crate) fn again(&self) -> Chosen<'a> {
        match self {
            Self::Named(backend) => Chosen::Named(backend),
            Self::Default(inner) => Chosen::Default(arc_swap::Guard::from_inner((**inner).clone())),
        }
    }
}

impl Chosen<'_> {
    /// The backend of throttles that name none and were provided none.
    pub(crate) fn default() -> Self {
        Self::Default(DEFAULT.load())
    }

    /// A handle to it, to keep.
    pub(crate) fn handle(&self) -> Backend {
        match self {
            Self::Named(backend) => (*backend).clone(),
            Self::Default(inner) => match &**inner {
                Some(inner) => Backend {
                    inner: inner.clone(),
                },
                None => EMBEDDED.clone(),
            },
        }
    }

    /// The time laws are told, in microseconds since 1970.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match &self.inner().clock {
            None => SystemClock::new().now_micros(),
            Some(clock) => clock.now_micros(),
        }
    }

    /// The time laws are told, if it is not the store's own.
    pub(crate) fn own_time(&self) -> Option<u64> {
        let clock = self.inner().clock.as_ref()?;
        Some(clock.now_micros())
    }

    /// The namespace of its keys, encoded, if they are names.
    pub(crate) fn namespace(&self) -> Option<&str> {
        match &self.inner().keys {
            Keys::Here(_) => None,
            Keys::There(_) => Some(&self.inner().namespace),
        }
    }

    /// The backend's clock, if it is not the system's.
    pub(crate) fn own_clock(&self) -> Option<Arc<dyn Clock>> {
        self.inner().clock.clone()
    }

    /// What happens when it fails, if it was told.
    #[inline]
    pub(crate) fn on_error(&self) -> Option<&Policy> {
        self.inner().defaults.on_error.as_ref()
    }

    /// Who is asking, if it was told how to find out.
    #[inline]
    pub(crate) fn identifier(&self) -> Option<&Arc<dyn Question<Identity>>> {
        self.inner().defaults.identifier.as_ref()
    }

    /// The response to those who are refused, if it was told.
    pub(crate) fn responder(&self) -> Option<&Responder> {
        self.inner().defaults.on_throttled.as_ref()
    }

    /// How long a decision may take, if it was told.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.inner().defaults.timeout
    }

    /// What kind of store it is, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        self.store().kind()
    }

    /// Whether both stand for the same states.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner().store, &other.inner().store)
    }

    /// How its throttles find the addresses of their clients.
    #[inline]
    pub(crate) fn client_ip(&self) -> &ClientIp {
        &self.inner().client_ip
    }

    /// An error if the handle was given settings that make no sense.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.client_ip().check()
    }

    #[inline]
    pub(crate) fn store(&self) -> &dyn Decide {
        &*self.inner().store
    }

    #[inline]
    fn inner(&self) -> &Inner {
        match self {
            Self::Named(backend) => &backend.inner,
            Self::Default(inner) => inner.as_ref().unwrap_or(&EMBEDDED.inner),
        }
    }
}
