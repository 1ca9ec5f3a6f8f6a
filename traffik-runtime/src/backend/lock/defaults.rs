//! The default options of locks: setters, otherwise the environment, otherwise built-in values.

use std::env;
use std::sync::RwLock;
use std::time::Duration;

use crate::backend::lock::options::LockOptions;
use crate::error::Error;

/// The built-in options. The time to wait is longer than the time to live, so that a caller
/// outlasts a holder that died just after it acquired the lock.
const BUILT_IN: LockOptions = LockOptions {
    ttl: Duration::from_secs(10),
    blocking: true,
    blocking_timeout: Some(Duration::from_secs(20)),
};

const TTL: &str = "TRAFFIK_DEFAULT_LOCK_TTL";
const BLOCKING: &str = "TRAFFIK_DEFAULT_BLOCKING";
const BLOCKING_TIMEOUT: &str = "TRAFFIK_DEFAULT_BLOCKING_TIMEOUT";

static SET: RwLock<Setters> = RwLock::new(Setters {
    ttl: None,
    blocking: None,
    blocking_timeout: None,
});

/// The values of the setters.
#[derive(Clone, Copy)]
struct Setters {
    ttl: Option<Duration>,
    blocking: Option<bool>,
    blocking_timeout: Option<Duration>,
}

/// Sets the default time to live of locks, which precedes `TRAFFIK_DEFAULT_LOCK_TTL`; `None`
/// removes it.
pub fn set_default_lock_ttl(ttl: impl Into<Option<Duration>>) {
    let ttl = ttl.into();
    change(|set| set.ttl = ttl);
}

/// Sets if locks are waited for by default, which precedes `TRAFFIK_DEFAULT_BLOCKING`; `None`
/// removes it.
pub fn set_default_blocking(blocking: impl Into<Option<bool>>) {
    let blocking = blocking.into();
    change(|set| set.blocking = blocking);
}

/// Sets the default time to wait for locks, which precedes `TRAFFIK_DEFAULT_BLOCKING_TIMEOUT`;
/// `None` removes it.
pub fn set_default_blocking_timeout(timeout: impl Into<Option<Duration>>) {
    let timeout = timeout.into();
    change(|set| set.blocking_timeout = timeout);
}

fn change(change: impl FnOnce(&mut Setters)) {
    // Nothing can panic under the lock, so it is never poisoned.
    if let Ok(mut set) = SET.write() {
        change(&mut set);
    }
}

impl Default for LockOptions {
    /// The defaults of the process. If the environment holds a malformed value, acquiring the lock
    /// reports it.
    fn default() -> Self {
        options().unwrap_or(BUILT_IN)
    }
}

impl LockOptions {
    /// Returns an error if these options, or the defaults in the environment, are malformed.
    pub(super) fn check(&self) -> Result<(), Error> {
        let _ = options()?;
        if self.ttl.is_zero() {
            let message = "a lock with a `ttl` of zero is never held; give it a longer one".into();
            return Err(Error::BackendConfiguration { message });
        }
        Ok(())
    }
}

/// Returns the present defaults.
fn options() -> Result<LockOptions, Error> {
    let set = SET
        .read()
        .map_or_else(|poisoned| *poisoned.into_inner(), |set| *set);
    resolve(set, |name| {
        env::var_os(name).map(|text| text.to_string_lossy().into_owned())
    })
}

fn resolve(set: Setters, text: impl Fn(&str) -> Option<String>) -> Result<LockOptions, Error> {
    let parse = |name| text(name).map(|text| seconds(name, &text)).transpose();
    let (ttl, timeout) = (parse(TTL)?, parse(BLOCKING_TIMEOUT)?);
    let blocking = text(BLOCKING).map(|text| truthy(&text));
    if ttl == Some(Duration::ZERO) {
        return Err(malformed(TTL, "0", "more than 0"));
    }
    Ok(LockOptions {
        ttl: set.ttl.or(ttl).unwrap_or(BUILT_IN.ttl),
        blocking: set.blocking.or(blocking).unwrap_or(BUILT_IN.blocking),
        blocking_timeout: set
            .blocking_timeout
            .or(timeout)
            .or(BUILT_IN.blocking_timeout),
    })
}

fn truthy(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    ["1", "true", "yes", "on"].contains(&&*text)
}

fn seconds(name: &str, text: &str) -> Result<Duration, Error> {
    let seconds = text.trim().parse().ok();
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| malformed(name, text, "0 or more"))
}

fn malformed(name: &str, text: &str, wanted: &str) -> Error {
    let line = text.lines().next().unwrap_or_default();
    let message =
        format!("`{name}` is `{line}`; write a number of seconds, {wanted}, such as `2.5`");
    Error::BackendConfiguration { message }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BLOCKING, BLOCKING_TIMEOUT, BUILT_IN, Setters, TTL, resolve};
    use crate::backend::lock::options::LockOptions;
    use crate::error::{Error, ErrorKind};

    const UNSET: Setters = Setters {
        ttl: None,
        blocking: None,
        blocking_timeout: None,
    };

    fn with(name: &str, text: &str) -> Result<LockOptions, Error> {
        resolve(UNSET, |variable| {
            (variable == name).then(|| text.to_owned())
        })
    }

    #[test]
    fn falls_back_to_built_in_values() {
        assert_eq!(resolve(UNSET, |_| None).unwrap(), BUILT_IN);
    }

    #[test]
    fn parses_four_words_as_blocking() {
        for text in ["1", "true", "YES", "On", " on "] {
            assert!(with(BLOCKING, text).unwrap().blocking, "{text}");
        }
        for text in ["", "0", "false", "off", "no", "2", "tru"] {
            assert!(!with(BLOCKING, text).unwrap().blocking, "{text}");
        }
    }

    #[test]
    fn parses_fractions_of_seconds() {
        let ttl = with(TTL, "5.25").unwrap().ttl;
        assert_eq!(ttl, Duration::from_millis(5_250));
        let timeout = with(BLOCKING_TIMEOUT, "0").unwrap().blocking_timeout;
        assert_eq!(timeout, Some(Duration::ZERO));
    }

    #[test]
    fn refuses_malformed_values_by_name() {
        for name in [TTL, BLOCKING_TIMEOUT] {
            for text in ["-1", "soon", "", "NaN", "inf", "1e300", "5s"] {
                let error = with(name, text).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Configuration);
                let message = error.to_string();
                assert!(
                    message.contains(name) && message.contains(text),
                    "{message}"
                );
            }
        }
        assert!(with(TTL, "0").is_err());
    }

    #[test]
    fn prefers_setters_to_the_environment() {
        let set = Setters {
            ttl: Some(Duration::from_secs(3)),
            blocking: Some(false),
            ..UNSET
        };
        let options = resolve(set, |name| {
            Some(if name == BLOCKING { "1" } else { "7" }.into())
        });
        let options = options.unwrap();
        assert_eq!(options.ttl, Duration::from_secs(3));
        assert!(!options.blocking);
        assert_eq!(options.blocking_timeout, Some(Duration::from_secs(7)));
    }
}
