//! What tests share: an app behind a real socket, what it answered, and a clock that stands.

mod answer;
mod fields;
mod ground;
mod server;

pub use answer::Answer;
pub use fields::{Policy, Standing};
pub use ground::{PEER, head, midnight, peer};
pub use server::Server;
