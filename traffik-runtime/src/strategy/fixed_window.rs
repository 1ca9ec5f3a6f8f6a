//! `FixedWindow`: a count in windows aligned to the epoch.

use serde::Serialize;

use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::window::Window;
use crate::strategy::{Hit, Who};

/// A count in windows aligned to the epoch (UTC), which restarts with each window.
///
/// * Memory: constant, inline beside the key.
/// * Worst case: 2L in a stretch as long as a window, half at the end of one and half at the start
///   of the next.
///
/// ```
/// use traffik::strategy::{FixedWindow, Hit, Strategy};
///
/// let law = FixedWindow::new();
/// let hit = |now| Hit { rate: "1/10s".parse().unwrap(), now, cost: 1, who: Default::default() };
/// let state = law.decide(None, &hit(12_000_000));
/// assert!(state.is_some());
/// assert_eq!(law.decide(state.clone(), &hit(19_999_999)), None);
/// assert!(law.decide(state, &hit(20_000_000)).is_some()); // a new window
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FixedWindow;

/// The state of a fixed window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FixedWindowMetadata {
    /// The window's first millisecond since 1970.
    pub window_start_ms: u64,
    /// The first millisecond after the window.
    pub window_end_ms: u64,
    /// The units that the window has admitted.
    pub current_count: u64,
}

impl FixedWindow {
    /// The strategy with its defaults, which throttles without parameters share.
    #[doc(hidden)]
    pub const DEFAULT: &Self = &Self::new();

    /// Makes the strategy, which has no parameters.
    pub const fn new() -> Self {
        Self
    }

    /// Returns the law of a rate as a constant of a macro, which has checked the rate.
    #[doc(hidden)]
    pub const fn constant_law(&self, rate: Rate) -> Law {
        let Self = self;
        Law::Window(Window::new(rate))
    }
}

impl BuiltIn for FixedWindow {
    type Metadata = FixedWindowMetadata;

    const NAME: &'static str = "fixed_window";

    fn kernel(&self, rate: Rate, _: &Who<'_>) -> Result<Law, StrategyError> {
        Ok(self.constant_law(rate))
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> FixedWindowMetadata {
        let (start, count) = match law {
            Law::Window(law) => law.window_at(state.packed(), hit.now),
            _ => (hit.now, 0),
        };
        FixedWindowMetadata {
            window_start_ms: start / 1_000,
            window_end_ms: (start + hit.rate.period_micros()) / 1_000,
            current_count: count,
        }
    }
}
