//! Calls to somebody else's API, held to what they allow: `cargo run -p traffik-examples --example jobs`.
//!
//! No HTTP framework is needed for that: a throttle made at run time, and workers that wait for their turn.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::strategy::TokenBucket;
use traffik::{Decision, DynThrottle, Identity};

/// What the partner allows: twenty a second, five of them at once; and this process has several workers.
fn partner() -> Result<DynThrottle, Box<dyn std::error::Error>> {
    let throttle = DynThrottle::builder("partner API").rate("20/second".parse()?);
    Ok(throttle.strategy(TokenBucket::new().burst(5)).build()?)
}

/// One call, when its turn has come; nothing if that would be too late to be of use.
async fn call(partner: &DynThrottle, patience: Duration) -> Result<Decision, traffik::Error> {
    let decision = partner.wait(&Identity::everyone(), 1, patience).await?;
    if decision.admitted {
        // Here goes the request itself.
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
                    // The embedded backend never fails; Redis may, and then `on_error` has been asked.
                    Err(error) => eprintln!("worker {worker}: {error}"),
                }
            }
            println!(
                "{:4} ms: worker {worker} is done: {made} calls, {late} given up",
                started.elapsed().as_millis()
            );
        });
    }
    workers.join_all().await;
    let seconds = started.elapsed().as_secs_f64();
    println!("40 calls in {seconds:.2} s: 5 at once, then one every 50 ms");
    // Whoever has less patience is told at once how long it would have been.
    partner.hit(&Identity::everyone(), 1).await?;
    let decision = call(&partner, Duration::from_millis(10)).await?;
    println!(
        "with 10 ms of patience: admitted = {}, wait = {:?}",
        decision.admitted, decision.wait
    );
    Ok(())
}
