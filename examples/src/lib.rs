//! Runnable programs, each about one idea: see `examples/`.
