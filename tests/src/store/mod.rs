//! Custom stores that several tests share.

mod expiring;
mod open;
mod yielding;

pub use expiring::ExpiringStore;
pub use open::OpenStore;
pub use yielding::YieldingStore;
