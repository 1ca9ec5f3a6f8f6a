//! The programs of the public API design, completed so that they compile.

mod attribute;
mod backends;
mod errors;
mod middleware;
mod operating;
mod proxies;
mod shared_throttles;
mod strategies;
