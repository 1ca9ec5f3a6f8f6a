//! Identity and cost of a request, computed from a handler's arguments.

use std::ptr;

use crate::callback::asyncness::CallbackValue;
use crate::definition::Definition;
use crate::definition::source::IdentitySource;
use crate::engine::cost_source::CostSource;
use crate::error::Error;
use crate::identity::Identity;

/// The values of closures over a handler's arguments, which the closures have returned or will
/// return. They replace those of the throttle's definition.
#[doc(hidden)]
#[derive(Debug)]
#[must_use]
pub struct ClosureValues<'a> {
    owner: Option<&'static Definition>,
    identity: Option<CallbackValue<'a, Identity>>,
    cost: Option<CallbackValue<'a, u64>>,
    cost_source: CostSource,
}

impl<'a> ClosureValues<'a> {
    /// Creates values for the throttle that the handler defines.
    pub const fn new(owner: &'static Definition) -> Self {
        Self {
            owner: Some(owner),
            identity: None,
            cost: None,
            cost_source: CostSource::Head,
        }
    }

    /// Creates values for all throttles that the handler uses.
    pub const fn for_all() -> Self {
        Self {
            owner: None,
            identity: None,
            cost: None,
            cost_source: CostSource::Head,
        }
    }

    /// Sets the identity.
    pub fn identity(self, identity: CallbackValue<'a, Identity>) -> Self {
        Self {
            identity: Some(identity),
            ..self
        }
    }

    /// Sets the cost, computed from the request's head.
    pub fn cost(self, cost: CallbackValue<'a, u64>) -> Self {
        Self {
            cost: Some(cost),
            ..self
        }
    }

    /// Sets the cost, computed from the argument that may read the body.
    pub fn cost_of_body(self, cost: CallbackValue<'a, u64>) -> Self {
        Self {
            cost: Some(cost),
            cost_source: CostSource::Body,
            ..self
        }
    }

    /// Awaits the closures that are async.
    pub(crate) async fn resolve(self) -> Result<ArgValues, Error> {
        let identity = match self.identity {
            Some(identity) => Some(identity.resolve().await?),
            None => None,
        };
        let cost = match self.cost {
            Some(cost) => Some(cost.resolve().await?),
            None => None,
        };
        Ok(ArgValues {
            owner: self.owner,
            applies: true,
            identity,
            cost,
            cost_source: self.cost_source,
        })
    }
}

/// The values that closures over a handler's arguments returned.
#[doc(hidden)]
#[derive(Debug)]
pub struct ArgValues {
    /// The throttle that they belong to; `None` if they belong to all throttles of the handler.
    owner: Option<&'static Definition>,
    /// `false` if that throttle has no part in the decision.
    pub(crate) applies: bool,
    pub(crate) identity: Option<Identity>,
    pub(crate) cost: Option<u64>,
    pub(crate) cost_source: CostSource,
}

impl ArgValues {
    /// Creates values that exclude a throttle from the decision.
    pub(crate) const fn excluding(owner: &'static Definition) -> Self {
        Self {
            owner: Some(owner),
            applies: false,
            identity: None,
            cost: None,
            cost_source: CostSource::Head,
        }
    }

    /// Returns `true` if the values belong to this throttle alone.
    pub(crate) fn belong_to(&self, throttle: &Definition) -> bool {
        self.owner.is_some_and(|owner| ptr::eq(owner, throttle))
    }

    /// Returns the identity, and the cost with its source.
    pub(crate) fn into_parts(self) -> (Option<Identity>, Option<(u64, CostSource)>) {
        let cost = self.cost.map(|cost| (cost, self.cost_source));
        (self.identity, cost)
    }

    /// Returns the cost for all throttles of the handler, and its source.
    pub(crate) fn cost_for_all(&self) -> Option<(u64, CostSource)> {
        let cost = self.cost.filter(|_| self.owner.is_none());
        cost.map(|cost| (cost, self.cost_source))
    }
}

impl Definition {
    /// Returns `true` if a closure over the arguments of the throttle's handler computes the
    /// identity or the cost.
    #[inline]
    pub(crate) fn needs_arguments(&self) -> bool {
        self.settings.cost_from_arguments
            || matches!(self.settings.identity, IdentitySource::Arguments)
    }

    /// Returns the cost of a request for which no callback returns one.
    ///
    /// # Errors
    ///
    /// If the cost needs the handler's arguments, because there is no handler.
    pub(crate) fn constant_cost(&self) -> Result<u64, Error> {
        if self.settings.cost_from_arguments {
            let instead = "name one, as `hit_cost` and `#[throttled(…, cost = …)]` do";
            return Err(self.no_arguments("cost", instead));
        }
        Ok(self.settings.cost)
    }

    /// Reports an `identifier` that needs the handler's arguments, where there is no handler.
    pub(crate) fn no_identity(&self) -> Error {
        let instead = "make it a function of the request's parts";
        self.no_arguments("identifier", instead)
    }

    fn no_arguments(&self, option: &str, instead: &str) -> Error {
        let message = format!(
            "its `{option}` is a closure over its handler's arguments, which are not known here; {instead}"
        );
        Error::configuration(self.uid(), message)
    }
}
