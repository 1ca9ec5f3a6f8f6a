//! The registry: rates and switches that an operator changes at run time.

use traffik::{Backend, DynThrottle, ErrorKind, Identity, Rate};

#[tokio::test]
async fn lists_and_changes_throttles() -> Result<(), Box<dyn std::error::Error>> {
    let backend = Backend::memory();
    let builder = |rate: &str| {
        DynThrottle::builder("api: operated")
            .rate(rate.parse().unwrap())
            .backend(backend.clone())
    };
    let throttle = builder("2/day").build()?;
    let client = Identity::new("user");
    assert!(throttle.hit(&client, 2).await?.admitted);
    let listed = traffik::registry().list();
    let entry = listed
        .iter()
        .find(|entry| entry.uid == "api: operated")
        .unwrap();
    assert_eq!(
        (&*entry.rates, entry.strategy, &*entry.scope),
        (&["2/day".parse()?][..], "fixed_window", "throttle")
    );
    traffik::registry().set_rate("api: operated", "3/day".parse::<Rate>()?)?;
    assert!(throttle.hit(&client, 1).await?.admitted);
    assert!(!throttle.hit(&client, 1).await?.admitted);
    traffik::registry().disable("api: operated")?;
    assert!(throttle.hit(&client, 1).await?.admitted);
    traffik::registry().enable("api: operated")?;
    assert!(!throttle.hit(&client, 1).await?.admitted);
    // Two throttles with one uid and different definitions.
    let error = builder("5/day").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("uid"), "{error}");
    Ok(())
}
