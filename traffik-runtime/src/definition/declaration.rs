//! A throttle as the macros write it: its settings in a `static`.

use std::fmt;
use std::sync::OnceLock;

use crate::definition::Definition;
use crate::definition::settings::Settings;

/// A throttle as the macros write it: its settings in a `static`, and the [`Definition`] that is
/// made of them at the first use.
///
/// Each throttled handler has one, which the compiler evaluates and proves to be `Sync`, so it
/// consists of constants. The definition's type is erased to keep it out of that proof.
#[doc(hidden)]
#[must_use]
pub struct Declaration {
    settings: Settings,
    definition: OnceLock<Box<dyn Defined>>,
}

/// A type with a definition.
trait Defined: Send + Sync {
    fn definition(&self) -> &Definition;
}

impl Defined for Definition {
    fn definition(&self) -> &Definition {
        self
    }
}

impl Declaration {
    /// The declaration of a throttle with these settings.
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            definition: OnceLock::new(),
        }
    }

    /// Returns the definition, which the first call makes.
    #[inline]
    pub fn definition(&'static self) -> &'static Definition {
        let make = || -> Box<dyn Defined> { Box::new(Definition::new(self.settings.clone())) };
        self.definition.get_or_init(make).definition()
    }
}

impl fmt::Debug for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declaration")
            .field("uid", &self.settings.registration.uid)
            .field("rates", &self.settings.registration.rates)
            .finish_non_exhaustive()
    }
}
