//! The options of a lock.

use std::time::Duration;

/// The options of a lock: its time to live, and the time to wait for it.
///
/// ```
/// use std::time::Duration;
/// use traffik::LockOptions;
///
/// let options = LockOptions::default().ttl(Duration::from_millis(1_500)).blocking(false);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct LockOptions {
    /// The time after which the lock ends by itself. Default: that of
    /// [`set_default_lock_ttl`](crate::backend::set_default_lock_ttl), otherwise
    /// `TRAFFIK_DEFAULT_LOCK_TTL` in seconds, otherwise 10 s.
    pub ttl: Duration,
    /// Set to wait for a lock that another holder has. Default: that of
    /// [`set_default_blocking`](crate::backend::set_default_blocking), otherwise
    /// `TRAFFIK_DEFAULT_BLOCKING` (`1`, `true`, `yes`, `on`), otherwise `true`.
    pub blocking: bool,
    /// The greatest time to wait; `None` for no limit. Default: that of
    /// [`set_default_blocking_timeout`](crate::backend::set_default_blocking_timeout), otherwise
    /// `TRAFFIK_DEFAULT_BLOCKING_TIMEOUT` in seconds, otherwise 20 s.
    pub blocking_timeout: Option<Duration>,
}

impl LockOptions {
    /// Sets the time after which the lock ends by itself; any fraction of a second.
    pub const fn ttl(self, ttl: Duration) -> Self {
        Self { ttl, ..self }
    }

    /// Sets if the lock is waited for while another holder has it.
    pub const fn blocking(self, blocking: bool) -> Self {
        Self { blocking, ..self }
    }

    /// Sets the greatest time to wait; `None` for no limit.
    pub fn blocking_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        Self {
            blocking_timeout: timeout.into(),
            ..self
        }
    }
}
