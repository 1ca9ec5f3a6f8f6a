//! What the arguments of a handler say of a request.

use http::request::Parts;

use crate::definition::Definition;
use crate::definition::cost_source::CostSource;
use crate::error::Error;
use crate::identity::Identity;
use crate::throttle::define::Define;

/// What closures over a handler's arguments gave, in place of what the throttle's own definition says.
#[doc(hidden)]
#[derive(Debug)]
pub struct Given {
    /// The throttle it is about; nothing: every member.
    pub(crate) owner: Option<&'static Definition>,
    /// Whether that throttle is asked at all.
    pub(crate) applies: bool,
    pub(crate) identity: Option<Identity>,
    pub(crate) cost: Option<u64>,
    pub(crate) cost_source: CostSource,
}

impl Given {
    /// For the throttle that the handler defines.
    pub fn to<T: Define>(identity: Option<Identity>, cost: Option<u64>) -> Self {
        Self {
            owner: Some(T::definition()),
            applies: true,
            identity,
            cost,
            cost_source: CostSource::Head,
        }
    }

    /// For every throttle that the handler uses.
    pub const fn to_all(cost: u64) -> Self {
        Self {
            owner: None,
            applies: true,
            identity: None,
            cost: Some(cost),
            cost_source: CostSource::Head,
        }
    }

    /// Marks the cost as one that comes from the argument that may read the body.
    #[must_use]
    pub const fn from_body(mut self) -> Self {
        self.cost_source = CostSource::Body;
        self
    }

    /// That the throttle which the handler defines is not asked, if it is not.
    ///
    /// # Errors
    ///
    /// When its predicate failed.
    pub async fn unless_asked<T: Define>(parts: &Parts) -> Result<Option<Self>, Error> {
        let applies = T::applies(parts).await?;
        Ok((!applies).then(|| Self {
            applies,
            ..Self::to::<T>(None, None)
        }))
    }

    /// What every member takes on this handler.
    pub(crate) fn cost_of_all(&self) -> Option<(u64, CostSource)> {
        let cost = self.cost.filter(|_| self.owner.is_none());
        cost.map(|cost| (cost, self.cost_source))
    }

    /// That there is no handler here whose arguments say who is asking.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn no_identity<T: Define>() -> Result<Identity, Error> {
        Err(nothing::<T>(
            "identifier",
            "make it a function of the request's parts",
        ))
    }

    /// The same for what it takes.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn no_cost<T: Define>() -> Result<u64, Error> {
        Err(nothing::<T>(
            "cost",
            "name one, as `hit_cost` and `#[throttled(…, cost = …)]` do",
        ))
    }
}

fn nothing<T: Define>(what: &str, instead: &str) -> Error {
    let message = format!(
        "its `{what}` is a closure over its handler's arguments, which are not known here; {instead}"
    );
    Error::configuration(&T::definition().uid, message)
}
