//! Close codes, and the texts that clients receive.

use std::time::Duration;

/// The close code for a policy violation: the client has exceeded a limit (RFC 6455).
pub(super) const POLICY_VIOLATION: u16 = 1008;
/// The close code for an internal error (RFC 6455).
pub(super) const INTERNAL_ERROR: u16 = 1011;
/// The close code for a temporary failure (IANA's registry).
pub(super) const TRY_AGAIN_LATER: u16 = 1013;

/// The largest length of the reason in a close frame, in bytes.
const MAX_REASON: usize = 123;

/// The text that reports a refused message, up to its wait.
macro_rules! refused_message {
    () => {
        r#"{"type":"rate_limit","error":"Too many messages""#
    };
}

/// Returns the text that reports a refused message to a client. Without a wait, the message can
/// never be admitted.
pub(super) fn notice(wait: Option<Duration>) -> String {
    let Some(wait) = wait else {
        return concat!(refused_message!(), "}").to_owned();
    };
    let (mut seconds, mut millis) = (itoa::Buffer::new(), itoa::Buffer::new());
    let parts = [
        concat!(refused_message!(), r#","retry_after":"#),
        seconds.format(ceil(wait, 1_000_000_000).max(1)),
        r#","retry_after_ms":"#,
        millis.format(ceil(wait, 1_000_000)),
        "}",
    ];
    parts.concat()
}

/// Divides a duration by a number of nanoseconds, rounded up.
const fn ceil(wait: Duration, nanos: u128) -> u128 {
    wait.as_nanos().div_ceil(nanos)
}

/// Replaces a code that must not be sent: 1005, 1006 and 1015 mean that there was none, and others
/// are not assigned.
pub(super) fn valid_code(code: u16) -> u16 {
    match code {
        1000..=1003 | 1007..=1014 | 3000..=4999 => code,
        _ => POLICY_VIOLATION,
    }
}

/// Truncates a reason to what a close frame has room for.
pub(super) fn truncated(mut reason: String) -> String {
    let mut end = reason.len().min(MAX_REASON);
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
    fn rounds_waits_up() {
        let sent = |micros| notice(Some(Duration::from_micros(micros)));
        let expected = |seconds: u64, millis: u64| {
            format!(
                r#"{{"type":"rate_limit","error":"Too many messages","retry_after":{seconds},"retry_after_ms":{millis}}}"#
            )
        };
        assert_eq!(sent(2_417_000), expected(3, 2417));
        assert_eq!(sent(2_416_001), expected(3, 2417));
        assert_eq!(sent(3_000_000), expected(3, 3000));
        assert_eq!(sent(1), expected(1, 1));
        assert_eq!(sent(0), expected(1, 0));
    }

    #[test]
    fn has_no_wait_if_waiting_does_not_help() {
        let expected = r#"{"type":"rate_limit","error":"Too many messages"}"#;
        assert_eq!(notice(None), expected);
    }

    #[test]
    fn truncates_a_reason_at_a_character() {
        assert_eq!(truncated("short".to_owned()), "short");
        assert_eq!(truncated("a".repeat(124)).len(), 123);
        // Two bytes each.
        assert_eq!(truncated("ü".repeat(62)), "ü".repeat(61));
    }

    #[test]
    fn replaces_codes_that_must_not_be_sent() {
        for code in [1000, 1003, 1008, 1013, 3000, 4029, 4999] {
            assert_eq!(valid_code(code), code);
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            assert_eq!(valid_code(code), 1008, "{code}");
        }
    }
}
