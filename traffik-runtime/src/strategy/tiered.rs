//! `Tiered`: fixed windows whose limit depends on the client's tier.

use std::borrow::Cow;

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::factor::{Factor, FactorError};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::tick::EXACT;
use crate::strategy::kernel::window::Window;
use crate::strategy::{Hit, Who};

/// Fixed windows whose limit is multiplied by the factor of the client's tier.
///
/// The application sets the tier of an [`Identity`](crate::identity::Identity). Names are compared
/// exactly, and a missing or unknown tier is the default one. A client has one count in all tiers.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: twice the tier's limit in a stretch as long as a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiered {
    tiers: Cow<'static, [(Cow<'static, str>, Factor)]>,
    default: Cow<'static, str>,
    problem: Option<FactorError>,
}

/// The state of a tiered window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TieredMetadata {
    /// The client's tier.
    pub tier: String,
    /// The factor of the limit.
    #[serde(serialize_with = "super::factor::as_number")]
    pub tier_multiplier: Factor,
    /// The limit in force.
    pub effective_limit: u64,
}

impl Tiered {
    /// Makes a strategy without tiers; at least the default one is required.
    pub const fn new() -> Self {
        Self {
            tiers: Cow::Borrowed(&[]),
            default: Cow::Borrowed(""),
            problem: None,
        }
    }

    /// Makes a strategy with these tiers.
    pub const fn of(tiers: &'static [(Cow<'static, str>, Factor)], default: &'static str) -> Self {
        Self {
            tiers: Cow::Borrowed(tiers),
            default: Cow::Borrowed(default),
            problem: None,
        }
    }

    /// Adds a tier with the factor of its clients' limit, such as `5.0`.
    #[must_use]
    pub fn tier<E: Into<FactorError>>(
        mut self,
        name: impl Into<String>,
        multiplier: impl TryInto<Factor, Error = E>,
    ) -> Self {
        match multiplier.try_into() {
            Ok(multiplier) => self.tiers.to_mut().push((name.into().into(), multiplier)),
            Err(problem) => self.problem = Some(problem.into()),
        }
        self
    }

    /// Sets the tier of clients without a tier, or with an unknown one.
    #[must_use]
    pub fn default_tier(self, name: impl Into<String>) -> Self {
        Self {
            default: name.into().into(),
            ..self
        }
    }

    /// Returns the tiers, and the name of the default one.
    pub fn tiers(&self) -> (&[(Cow<'static, str>, Factor)], &str) {
        (&self.tiers, &self.default)
    }

    fn named(&self, name: &str) -> Option<&(Cow<'static, str>, Factor)> {
        self.tiers.iter().find(|(tier, _)| tier == name)
    }

    fn tier_of(&self, who: &Who<'_>) -> Result<&(Cow<'static, str>, Factor), StrategyError> {
        let own = who.tier.and_then(|tier| self.named(tier));
        own.or_else(|| self.named(&self.default))
            .ok_or(StrategyError::NoDefaultTier)
    }
}

impl BuiltIn for Tiered {
    type Metadata = TieredMetadata;

    const NAME: &'static str = "tiered";
    const IS_DYNAMIC: bool = true;

    fn kernel(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError> {
        if let Some(problem) = self.problem {
            return Err(StrategyError::Factor("a tier's multiplier", problem));
        }
        let limit = |factor: Factor| factor.of(rate.limit());
        if self.tiers.iter().any(|(_, factor)| limit(*factor) == 0) {
            return Err(StrategyError::EmptyTier);
        }
        if self.tiers.iter().any(|(_, factor)| limit(*factor) > EXACT) {
            return Err(StrategyError::EffectiveLimit(rate));
        }
        let (_, factor) = self.tier_of(who)?;
        Ok(Law::Window(Window::with_limit(rate, limit(*factor))))
    }

    fn describe(&self, law: &Law, _: &State, hit: &Hit<'_>) -> TieredMetadata {
        let tier = self.tier_of(&hit.who).ok();
        TieredMetadata {
            tier: tier.map_or_else(String::new, |(name, _)| name.to_string()),
            tier_multiplier: tier.map_or(Factor::ONE, |(_, factor)| *factor),
            effective_limit: law.max_cost(),
        }
    }
}
