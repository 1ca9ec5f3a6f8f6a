use std::hint::black_box;
use traffik::{Backend, DynThrottle, Identity, Rate, Clock, SystemClock};
use traffik_benches::ready;
fn main() {
    let t = DynThrottle::builder("bench").rate(Rate::per_hour(u32::MAX)).backend(Backend::memory()).build().unwrap();
    let id = Identity::new("user:1");
    let n: u64 = std::env::args().nth(1).map_or(3_000_000, |n| n.parse().unwrap());
    let s = std::time::Instant::now();
    for _ in 0..n.min(1000000) { black_box(SystemClock::new().now_micros()); }
    println!("clock {} ns", s.elapsed().as_nanos() as f64 / n as f64);
    let s = std::time::Instant::now();
    for _ in 0..n.min(1000000) { black_box(std::time::Instant::now()); }
    println!("instant {} ns", s.elapsed().as_nanos() as f64 / n as f64);
    let s = std::time::Instant::now();
    for _ in 0..n { black_box(ready(t.hit(&id, 1)).is_ok()); }
    println!("hit {} ns", s.elapsed().as_nanos() as f64 / n as f64);
}
