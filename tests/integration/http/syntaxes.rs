//! `Stat::headers_with`: fields in another syntax than that of the process.

use std::time::Duration;

use traffik::{HeaderOptions, HeaderStyle, HeaderSyntax, LegacyReset, Throttle as _};
use traffik_tests::{head, midnight};

traffik::throttles! {
    throttle Two(rate = ["2/minute", "3/hour"]);
    throttle Quick(rate = "5000/100ms");
    throttle Open(rate = "0/0");
}

const DRAFT_6: HeaderOptions = HeaderOptions::new().syntax(HeaderSyntax::Draft6);

#[tokio::test]
async fn writes_the_binding_limit_for_draft_6() {
    let (backend, clock) = midnight();
    let parts = head(&backend);
    let legacy_fields = async || {
        let headers = Two::stat(&parts)
            .await
            .unwrap()
            .headers_with(HeaderStyle::Ietf, DRAFT_6);
        assert_eq!(headers.len(), 4);
        assert_eq!(headers["ratelimit-policy"], "2;w=60, 3;w=3600");
        ["limit", "remaining", "reset"].map(|name| {
            headers[format!("ratelimit-{name}")]
                .to_str()
                .unwrap()
                .to_owned()
        })
    };
    // The reset is required: nothing more will be available, so it is now.
    assert_eq!(legacy_fields().await, ["2", "2", "0"]);
    Two::hit(&parts).await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(legacy_fields().await, ["2", "1", "59"]);
    clock.advance(Duration::from_secs(59));
    Two::hit_cost(&parts, 2).await.unwrap();
    assert_eq!(legacy_fields().await, ["3", "0", "3540"]);
}

/// A window below a second cannot be written, and the list must not be empty.
#[tokio::test]
async fn omits_windows_below_a_second_for_draft_6() {
    let parts = head(&midnight().0);
    let headers = Quick::stat(&parts)
        .await
        .unwrap()
        .headers_with(HeaderStyle::Both, DRAFT_6);
    assert!(!headers.contains_key("ratelimit-policy"));
    assert_eq!(headers["ratelimit-limit"], "5000");
    assert_eq!(headers["x-ratelimit-limit"], "5000");
    let open = Open::stat(&parts).await.unwrap();
    assert!(open.headers_with(HeaderStyle::Both, DRAFT_6).is_empty());
}

/// The reset is the epoch second from which more units are available (H14).
#[tokio::test]
async fn writes_resets_as_unix_time() {
    let (backend, clock) = midnight();
    let parts = head(&backend);
    let midnight = clock.now().as_secs();
    let epoch = HeaderOptions::new().legacy_reset(LegacyReset::Epoch);
    Two::hit(&parts).await.unwrap();
    clock.advance(Duration::from_millis(59_001));
    let stat = Two::stat(&parts).await.unwrap();
    let legacy = stat.headers_with(HeaderStyle::Legacy, epoch);
    assert_eq!(legacy["x-ratelimit-reset"], (midnight + 60).to_string());
    assert_eq!(legacy.len(), 3);
    assert_eq!(stat.headers(HeaderStyle::Legacy)["x-ratelimit-reset"], "1");
    let fresh = Quick::stat(&parts).await.unwrap();
    assert!(
        !fresh
            .headers_with(HeaderStyle::Legacy, epoch)
            .contains_key("x-ratelimit-reset")
    );
}
