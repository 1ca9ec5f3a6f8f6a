//! Identity and cost of a request, computed from a handler's arguments.

use crate::definition::Definition;
use crate::engine::cost_source::CostSource;
use crate::error::Error;
use crate::identity::Identity;

/// The values that closures over a handler's arguments returned. They replace those of the
/// throttle's definition.
#[doc(hidden)]
#[derive(Debug)]
pub struct ArgValues {
    /// The throttle that they belong to; `None` if they belong to all throttles of the handler.
    pub(crate) owner: Option<&'static Definition>,
    /// `false` if that throttle has no part in the decision.
    pub(crate) applies: bool,
    pub(crate) identity: Option<Identity>,
    pub(crate) cost: Option<u64>,
    pub(crate) cost_source: CostSource,
}

impl ArgValues {
    /// Creates values for the throttle that the handler defines.
    pub const fn new(
        owner: &'static Definition,
        identity: Option<Identity>,
        cost: Option<u64>,
    ) -> Self {
        Self {
            owner: Some(owner),
            applies: true,
            identity,
            cost,
            cost_source: CostSource::Head,
        }
    }

    /// Creates values for all throttles that the handler uses.
    pub const fn for_all(cost: u64) -> Self {
        Self {
            owner: None,
            applies: true,
            identity: None,
            cost: Some(cost),
            cost_source: CostSource::Head,
        }
    }

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

    /// Marks the cost as computed from the argument that may read the body.
    #[must_use]
    pub const fn from_body(mut self) -> Self {
        self.cost_source = CostSource::Body;
        self
    }

    /// Returns the cost for all throttles of the handler, and its source.
    pub(crate) fn cost_for_all(&self) -> Option<(u64, CostSource)> {
        let cost = self.cost.filter(|_| self.owner.is_none());
        cost.map(|cost| (cost, self.cost_source))
    }

    /// Reports an `identifier` that needs the handler's arguments, where there is no handler.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn no_identity(throttle: &Definition) -> Result<Identity, Error> {
        Err(no_arguments(
            throttle,
            "identifier",
            "make it a function of the request's parts",
        ))
    }

    /// Reports a `cost` that needs the handler's arguments, where there is no handler.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn no_cost(throttle: &Definition) -> Result<u64, Error> {
        Err(no_arguments(
            throttle,
            "cost",
            "name one, as `hit_cost` and `#[throttled(…, cost = …)]` do",
        ))
    }
}

fn no_arguments(throttle: &Definition, option: &str, instead: &str) -> Error {
    let message = format!(
        "its `{option}` is a closure over its handler's arguments, which are not known here; {instead}"
    );
    Error::configuration(throttle.uid(), message)
}
