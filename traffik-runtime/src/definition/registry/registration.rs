use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::backend::Backend;
use crate::rate::Rate;
use crate::strategy::erased::ErasedStrategy;

/// What is known of a throttle from its definition.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) uid: Cow<'static, str>,
    /// The name of its type, or the uid.
    pub(crate) name: Cow<'static, str>,
    /// The name of its policy in header fields and problems.
    pub(crate) policy: Cow<'static, str>,
    pub(crate) rates: Cow<'static, [Rate]>,
    pub(crate) strategy: Shared,
    pub(crate) scope: &'static str,
    pub(crate) place: Place,
    /// `true` if it is defined inside a function, so that its uid is the path to it.
    pub(crate) is_local: bool,
    /// The backend of one that was built with one of its own.
    pub(crate) backend: Option<Backend>,
}

/// Where a throttle is defined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Unknown,
    /// A file and a line, by a macro.
    Written(&'static str),
    /// Built at run time.
    Built(&'static Location<'static>),
}

/// A strategy that lives in the program, or is counted.
#[derive(Clone)]
pub(crate) enum Shared {
    Static(&'static dyn ErasedStrategy),
    Counted(Arc<dyn ErasedStrategy>),
}

impl Shared {
    #[inline]
    pub(crate) fn get(&self) -> &dyn ErasedStrategy {
        match self {
            Self::Static(strategy) => *strategy,
            Self::Counted(strategy) => &**strategy,
        }
    }
}

impl Place {
    pub(crate) fn known(self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Written(place) => Some(place.to_owned()),
            Self::Built(place) => Some(format!("{}:{}", place.file(), place.line())),
        }
    }
}

impl Record {
    /// Whether both may count on the same states. Those that were built on backends of their own never do, unless it is the
    /// same.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        match (&self.backend, &other.backend) {
            (Some(own), Some(others)) => own.choose().is(&others.choose()),
            _ => true,
        }
    }

    /// Whether both define the same. A macro that is expanded twice, as below `#[debug_handler]`, defines the same.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let (own, others) = (self.strategy.get(), other.strategy.get());
        // Two places of one function are not meant to share a budget, whatever their rates are.
        let is_another_local = self.is_local && other.is_local && self.place != other.place;
        !is_another_local
            && self.rates == other.rates
            && self.scope == other.scope
            && own.name() == others.name()
            && (self.is_written_with(other) || format!("{own:?}") == format!("{others:?}"))
    }

    /// What is wrong with this one, where another was first.
    pub(crate) fn conflict(&self, first: &Self) -> String {
        format!(
            "two different throttles have this `uid`, {first} and {self}; give one of them a `uid` of its own"
        )
    }

    fn is_written_with(&self, other: &Self) -> bool {
        matches!(self.place, Place::Written(_))
            && (self.place, &self.name) == (other.place, &other.name)
    }
}

/// A definition in a sentence: `at src/main.rs:7 (5/s, fixed_window)`.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.known() {
            Some(place) => write!(f, "at {place} (")?,
            None => f.write_str("at an unknown place (")?,
        }
        for rate in &*self.rates {
            write!(f, "{rate}, ")?;
        }
        f.write_str(self.strategy.get().name())?;
        if self.scope != "throttle" {
            write!(f, ", scope {}", self.scope)?;
        }
        f.write_str(")")
    }
}
