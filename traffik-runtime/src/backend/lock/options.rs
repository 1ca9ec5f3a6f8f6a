//! How a lock is taken.

use std::time::Duration;

use crate::backend::lock::defaults;
use crate::error::Error;

/// How a lock is taken: for how long, and whether to wait for it.
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
    /// After how long the lock ends by itself, whatever became of its holder. Default: that of
    /// [`set_default_lock_ttl`](crate::backend::lock::defaults::set_default_lock_ttl), else `TRAFFIK_DEFAULT_LOCK_TTL` in seconds, else 10 s.
    pub ttl: Duration,
    /// Whether to wait for a lock that somebody else holds. Default: that of
    /// [`set_default_blocking`](crate::backend::lock::defaults::set_default_blocking), else `TRAFFIK_DEFAULT_BLOCKING` (`1`, `true`, `yes`, `on`),
    /// else yes.
    pub blocking: bool,
    /// For how long to wait; `None` is for as long as it takes. Default: that of
    /// [`set_default_blocking_timeout`](crate::backend::lock::defaults::set_default_blocking_timeout), else `TRAFFIK_DEFAULT_BLOCKING_TIMEOUT` in
    /// seconds, else 20 s.
    pub blocking_timeout: Option<Duration>,
}

impl Default for LockOptions {
    /// The defaults of the process. Where the environment holds nonsense, the lock says so when it is taken.
    fn default() -> Self {
        defaults::options().unwrap_or(defaults::BUILT_IN)
    }
}

impl LockOptions {
    /// After how long the lock ends by itself; any fraction of a second will do.
    pub const fn ttl(self, ttl: Duration) -> Self {
        Self { ttl, ..self }
    }

    /// Whether to wait for a lock that somebody else holds.
    pub const fn blocking(self, blocking: bool) -> Self {
        Self { blocking, ..self }
    }

    /// For how long to wait; `None` is for as long as it takes.
    pub fn blocking_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        Self {
            blocking_timeout: timeout.into(),
            ..self
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let _ = defaults::options()?;
        if self.ttl.is_zero() {
            let message = "a lock with a `ttl` of zero is never held; give it a longer one".into();
            return Err(Error::BackendConfiguration { message });
        }
        Ok(())
    }
}
