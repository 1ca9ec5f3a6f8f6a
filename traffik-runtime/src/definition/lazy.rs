//! A setting whose value cannot be a constant.

use std::sync::OnceLock;

/// A setting whose value cannot be a constant: a function makes it at its first use, or code that
/// runs sets it.
#[derive(Clone, Debug)]
pub(crate) struct Lazy<T> {
    make: Option<fn() -> T>,
    value: OnceLock<T>,
}

impl<T> Lazy<T> {
    /// A setting without a value.
    pub(crate) const fn unset() -> Self {
        Self {
            make: None,
            value: OnceLock::new(),
        }
    }

    /// Sets the function that makes the value, which is called at most once.
    pub(crate) const fn make_with(&mut self, make: fn() -> T) {
        self.make = Some(make);
    }

    /// Returns the value, or `None` if the setting has none.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        match self.make {
            Some(make) => Some(self.value.get_or_init(make)),
            None => self.value.get(),
        }
    }

    /// Returns the value if it has been made, or was set.
    pub(crate) fn made(&self) -> Option<&T> {
        self.value.get()
    }
}

impl<T> From<T> for Lazy<T> {
    fn from(value: T) -> Self {
        Self {
            make: None,
            value: OnceLock::from(value),
        }
    }
}
