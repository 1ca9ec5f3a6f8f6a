//! What clients are told, word by word.

use std::time::Duration;

/// Policy violation: the client has broken a limit (RFC 6455).
pub(super) const POLICY_VIOLATION: u16 = 1008;
/// Internal error (RFC 6455).
pub(super) const INTERNAL_ERROR: u16 = 1011;
/// Try again later (IANA's registry).
pub(super) const TRY_AGAIN_LATER: u16 = 1013;

/// The longest reason a close frame has room for, beside its code.
const LONGEST_REASON: usize = 123;

/// What a client is told of a message that was refused; without a wait, it can never be admitted.
pub(super) fn notice(wait: Option<Duration>) -> String {
    let retry = wait.map_or_else(String::new, |wait| {
        let (seconds, millis) = (ceil(wait, 1_000_000_000).max(1), ceil(wait, 1_000_000));
        format!(r#","retry_after":{seconds},"retry_after_ms":{millis}"#)
    });
    format!(r#"{{"type":"rate_limit","error":"Too many messages"{retry}}}"#)
}

/// How many of so many nanoseconds it takes.
const fn ceil(wait: Duration, nanos: u128) -> u128 {
    wait.as_nanos().div_ceil(nanos)
}

/// A code that may be sent: 1005, 1006 and 1015 stand for closes without one, and others belong to nobody.
pub(super) fn sendable(code: u16) -> u16 {
    match code {
        1000..=1003 | 1007..=1014 | 3000..=4999 => code,
        _ => POLICY_VIOLATION,
    }
}

/// As much of a reason as a close frame has room for.
pub(super) fn shortened(mut reason: String) -> String {
    let mut end = reason.len().min(LONGEST_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.truncate(end);
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_rounded_up() {
        let told = |micros| notice(Some(Duration::from_micros(micros)));
        let says = |seconds: u64, millis: u64| {
            format!(
                r#"{{"type":"rate_limit","error":"Too many messages","retry_after":{seconds},"retry_after_ms":{millis}}}"#
            )
        };
        assert_eq!(told(2_417_000), says(3, 2417));
        assert_eq!(told(2_416_001), says(3, 2417));
        assert_eq!(told(3_000_000), says(3, 3000));
        assert_eq!(told(1), says(1, 1));
        assert_eq!(told(0), says(1, 0));
    }

    #[test]
    fn never_has_no_retry() {
        let says = r#"{"type":"rate_limit","error":"Too many messages"}"#;
        assert_eq!(notice(None), says);
    }

    #[test]
    fn reasons_fit_and_stay_text() {
        assert_eq!(shortened("short".to_owned()), "short");
        assert_eq!(shortened("a".repeat(124)).len(), 123);
        // Two bytes each.
        assert_eq!(shortened("ü".repeat(62)), "ü".repeat(61));
    }

    #[test]
    fn codes_that_must_not_be_sent_are_not() {
        for code in [1000, 1003, 1008, 1013, 3000, 4029, 4999] {
            assert_eq!(sendable(code), code);
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            assert_eq!(sendable(code), 1008, "{code}");
        }
    }
}
