//! Applications that use only the public interface, as users write them.

mod layers;
mod modules;
mod nested;
mod oneshot;
#[cfg(unix)]
mod unix;
