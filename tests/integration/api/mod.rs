//! Every program of the design's page of the public API, its elisions filled in and nothing else changed.

mod s02_attribute;
mod s03_shared;
mod s05_backends;
mod s06_strategies;
mod s07_errors;
mod s08_middleware;
mod s10_proxies;
mod s11_operating;
