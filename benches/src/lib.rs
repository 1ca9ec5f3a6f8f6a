//! Benchmarks beside peers: `cargo bench -p traffik-benches`, with `--features servers` also those
//! that need servers, and the program `compare`, which runs all of them.
//!
//! Every figure is a ratio of two things measured in turn in one run, because machines are shared
//! and noisy: the median of many rounds, with the spread of the middle half. The rows are data
//! ([`row::Row`]), made by the `tables` function of each benchmark's module.
//!
//! Under `cargo test`, and with `cargo bench -- --test`, each benchmark does a little of everything
//! once, to show that it runs.

pub mod apps;
pub mod beside_python;
pub mod by_keys;
pub mod by_limits;
pub mod by_threads;
pub mod cache_line_model;
pub mod churn;
pub mod decision;
pub mod effort;
pub mod flood;
pub mod floor;
pub mod floor_layer;
pub mod handler;
pub mod instructions;
pub mod keys;
pub mod loopback;
pub mod machine;
pub mod measure;
pub mod messages;
pub mod page;
pub mod process;
pub mod row;
pub mod sections;
pub mod served;
#[cfg(feature = "servers")]
pub mod server_time;
pub mod sets;
pub mod sides;
pub mod spread;
