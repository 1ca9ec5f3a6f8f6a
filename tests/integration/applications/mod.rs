//! Applications as strangers write them: of traffik they use its public face alone.

mod layers;
mod modules;
mod nested;
mod oneshot;
#[cfg(unix)]
mod unix;
