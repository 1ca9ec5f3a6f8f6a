//! Calls to a partner's API, within the partner's limit:
//! `cargo run -p traffik-examples --example jobs`.
//!
//! This needs no HTTP framework: a throttle is built at run time, and workers wait for it.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::strategy::TokenBucket;
use traffik::{Decision, DynThrottle, Identity};

/// Builds the partner's limit: twenty calls a second, five of them at once, for all workers
/// together.
fn partner() -> Result<DynThrottle, Box<dyn std::error::Error>> {
    let throttle = DynThrottle::builder("partner API").rate("20/second".parse()?);
    Ok(throttle.strategy(TokenBucket::new().burst(5)).build()?)
}

/// Waits for the limit and makes one call, or gives up if the wait would be too long.
async fn call(partner: &DynThrottle, timeout: Duration) -> Result<Decision, traffik::Error> {
    let decision = partner.wait(&Identity::everyone(), 1, timeout).await?;
    if decision.admitted {
        // The request itself would be sent here.
    }
    Ok(decision)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let partner = partner()?;
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..4 {
        let partner = partner.clone();
        workers.spawn(async move {
            let (mut made, mut late) = (0, 0);
            for _ in 0..10 {
                match call(&partner, Duration::from_secs(5)).await {
                    Ok(decision) if decision.admitted => made += 1,
                    Ok(_) => late += 1,
                    // The embedded backend never fails. Redis may, and then `on_error` has decided.
                    Err(error) => eprintln!("worker {worker}: {error}"),
                }
            }
            println!(
                "{:4} ms: worker {worker} is done: {made} calls made, {late} abandoned",
                started.elapsed().as_millis()
            );
        });
    }
    workers.join_all().await;
    let seconds = started.elapsed().as_secs_f64();
    println!("40 calls in {seconds:.2} s: 5 at once, then one every 50 ms");
    // A caller with a shorter timeout gets the wait at once.
    partner.hit(&Identity::everyone(), 1).await?;
    let decision = call(&partner, Duration::from_millis(10)).await?;
    println!(
        "with a timeout of 10 ms: admitted = {}, wait = {:?}",
        decision.admitted, decision.wait
    );
    Ok(())
}
