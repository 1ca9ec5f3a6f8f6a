//! A throttle that is built at run time and used without HTTP.

use traffik::strategy::TokenBucket;
use traffik::{Backend, DynThrottle, Identity};

#[tokio::test]
async fn decides_without_http() -> Result<(), Box<dyn std::error::Error>> {
    let redis = Backend::memory();
    let throttle = DynThrottle::builder("api: uploads")
        .rate("20/minute".parse()?)
        .strategy(TokenBucket::new().burst(40))
        .backend(redis)
        .build()?;
    throttle.hit(&Identity::new("user:7"), 1).await?; // no HTTP needed: jobs, queues, outbound calls
    assert_eq!(
        throttle
            .stat(&Identity::new("user:7"))
            .await?
            .hits_remaining,
        39
    );
    Ok(())
}
