//! Applications as strangers write them: of traffik they use its public face alone.

mod layers;
#[cfg(unix)]
mod unix;
