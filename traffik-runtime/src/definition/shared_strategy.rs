//! A strategy that several owners share.

use std::sync::Arc;

use crate::strategy::erased::ErasedStrategy;

/// A strategy that is a `static`, or that is counted by its owners.
#[derive(Clone, Debug)]
pub(crate) enum SharedStrategy {
    Static(&'static dyn ErasedStrategy),
    Counted(Arc<dyn ErasedStrategy>),
}

impl SharedStrategy {
    #[inline]
    pub(crate) fn get(&self) -> &dyn ErasedStrategy {
        match self {
            Self::Static(strategy) => *strategy,
            Self::Counted(strategy) => &**strategy,
        }
    }
}
