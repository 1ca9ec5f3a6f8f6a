//! The part of a throttle's settings that the registry lists and compares.

use std::borrow::Cow;
use std::fmt;

use crate::definition::location::Location;
use crate::definition::shared_strategy::SharedStrategy;
use crate::definition::source::ScopeSource;
use crate::rate::Rate;

/// The part of a throttle's settings that the registry lists and compares.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    /// The name of the throttle in the whole process.
    pub(crate) uid: Cow<'static, str>,
    /// The name of its type, or the uid.
    pub(crate) name: Cow<'static, str>,
    /// The name of its policy in header fields and problems; default: its name.
    pub(crate) policy: Option<Cow<'static, str>>,
    pub(crate) rates: Cow<'static, [Rate]>,
    pub(crate) strategy: SharedStrategy,
    pub(crate) scope: ScopeSource,
    pub(crate) location: Location,
    /// Set if it is defined inside a function, so that its uid is the path to it.
    pub(crate) is_local: bool,
}

impl Registration {
    /// Returns the name of the policy in header fields and problems.
    pub(crate) fn policy(&self) -> &Cow<'static, str> {
        self.policy.as_ref().unwrap_or(&self.name)
    }

    /// Returns `true` if both define the same throttle. A macro that is expanded twice, as below
    /// `#[debug_handler]`, defines one throttle.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let (own, others) = (self.strategy.get(), other.strategy.get());
        // Two places of one function are not meant to share a budget, whatever their rates are.
        let is_another_local = self.is_local && other.is_local && self.location != other.location;
        !is_another_local
            && self.rates == other.rates
            && self.scope.name() == other.scope.name()
            && own.name() == others.name()
            && (self.is_same_macro(other) || format!("{own:?}") == format!("{others:?}"))
    }

    /// Returns the message for a throttle whose uid belongs to another one.
    pub(crate) fn conflict(&self, first: &Self) -> String {
        format!(
            "two different throttles have this `uid`, {first} and {self}; give one of them a `uid` of its own"
        )
    }

    fn is_same_macro(&self, other: &Self) -> bool {
        matches!(self.location, Location::Macro(_))
            && (self.location, &self.name) == (other.location, &other.name)
    }
}

/// Writes the definition for a message: `at src/main.rs:7 (5/s, fixed_window)`.
impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.location.text() {
            Some(place) => write!(f, "at {place} (")?,
            None => f.write_str("at an unknown place (")?,
        }
        for rate in &*self.rates {
            write!(f, "{rate}, ")?;
        }
        f.write_str(self.strategy.get().name())?;
        if self.scope.name() != "throttle" {
            write!(f, ", scope {}", self.scope.name())?;
        }
        f.write_str(")")
    }
}
