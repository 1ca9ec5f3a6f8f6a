//! What holds for locks that say nothing else: setters, else the environment, else what is built in.

use std::env;
use std::sync::RwLock;
use std::time::Duration;

use crate::backend::lock::options::LockOptions;
use crate::error::Error;

/// Waiting outlasts a lock whose holder died the moment after it took it.
pub(super) const BUILT_IN: LockOptions = LockOptions {
    ttl: Duration::from_secs(10),
    blocking: true,
    blocking_timeout: Some(Duration::from_secs(20)),
};

const TTL: &str = "TRAFFIK_DEFAULT_LOCK_TTL";
const BLOCKING: &str = "TRAFFIK_DEFAULT_BLOCKING";
const BLOCKING_TIMEOUT: &str = "TRAFFIK_DEFAULT_BLOCKING_TIMEOUT";

static SET: RwLock<Set> = RwLock::new(Set {
    ttl: None,
    blocking: None,
    blocking_timeout: None,
});

#[derive(Clone, Copy)]
struct Set {
    ttl: Option<Duration>,
    blocking: Option<bool>,
    blocking_timeout: Option<Duration>,
}

/// Sets how long locks live that do not say it, over `TRAFFIK_DEFAULT_LOCK_TTL`; `None` takes that back.
pub fn set_default_lock_ttl(ttl: impl Into<Option<Duration>>) {
    let ttl = ttl.into();
    change(|set| set.ttl = ttl);
}

/// Sets whether locks are waited for that do not say it, over `TRAFFIK_DEFAULT_BLOCKING`; `None` takes that back.
pub fn set_default_blocking(blocking: impl Into<Option<bool>>) {
    let blocking = blocking.into();
    change(|set| set.blocking = blocking);
}

/// Sets how long locks are waited for that do not say it, over `TRAFFIK_DEFAULT_BLOCKING_TIMEOUT`; `None` takes that
/// back.
pub fn set_default_blocking_timeout(timeout: impl Into<Option<Duration>>) {
    let timeout = timeout.into();
    change(|set| set.blocking_timeout = timeout);
}

fn change(change: impl FnOnce(&mut Set)) {
    // Nothing can panic while it is held, so it is never poisoned.
    if let Ok(mut set) = SET.write() {
        change(&mut set);
    }
}

/// What holds now.
pub(super) fn options() -> Result<LockOptions, Error> {
    let set = SET
        .read()
        .map_or_else(|held| *held.into_inner(), |set| *set);
    resolve(set, |name| {
        env::var_os(name).map(|text| text.to_string_lossy().into_owned())
    })
}

fn resolve(set: Set, text: impl Fn(&str) -> Option<String>) -> Result<LockOptions, Error> {
    let written = |name| text(name).map(|text| seconds(name, &text)).transpose();
    let (ttl, timeout) = (written(TTL)?, written(BLOCKING_TIMEOUT)?);
    let blocking = text(BLOCKING).map(|text| truthy(&text));
    if ttl == Some(Duration::ZERO) {
        return Err(nonsense(TTL, "0", "more than 0"));
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
    duration.ok_or_else(|| nonsense(name, text, "0 or more"))
}

fn nonsense(name: &str, text: &str, wanted: &str) -> Error {
    let line = text.lines().next().unwrap_or_default();
    let message =
        format!("`{name}` is `{line}`; write a number of seconds, {wanted}, such as `2.5`");
    Error::BackendConfiguration { message }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BLOCKING, BLOCKING_TIMEOUT, BUILT_IN, Set, TTL, resolve};
    use crate::backend::lock::options::LockOptions;
    use crate::error::{Error, ErrorKind};

    const UNSET: Set = Set {
        ttl: None,
        blocking: None,
        blocking_timeout: None,
    };

    fn with(name: &str, text: &str) -> Result<LockOptions, Error> {
        resolve(UNSET, |asked| (asked == name).then(|| text.to_owned()))
    }

    #[test]
    fn nothing_said() {
        assert_eq!(resolve(UNSET, |_| None).unwrap(), BUILT_IN);
    }

    /// Lessons C 101.
    #[test]
    fn blocking_is_any_of_four_words() {
        for text in ["1", "true", "YES", "On", " on "] {
            assert!(with(BLOCKING, text).unwrap().blocking, "{text}");
        }
        for text in ["", "0", "false", "off", "no", "2", "tru"] {
            assert!(!with(BLOCKING, text).unwrap().blocking, "{text}");
        }
    }

    #[test]
    fn times_are_fractions_of_seconds() {
        let ttl = with(TTL, "5.25").unwrap().ttl;
        assert_eq!(ttl, Duration::from_millis(5_250));
        let timeout = with(BLOCKING_TIMEOUT, "0").unwrap().blocking_timeout;
        assert_eq!(timeout, Some(Duration::ZERO));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for name in [TTL, BLOCKING_TIMEOUT] {
            for text in ["-1", "soon", "", "NaN", "inf", "1e300", "5s"] {
                let error = with(name, text).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Configuration);
                let said = error.to_string();
                assert!(said.contains(name) && said.contains(text), "{said}");
            }
        }
        assert!(with(TTL, "0").is_err());
    }

    #[test]
    fn setters_come_first() {
        let set = Set {
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
