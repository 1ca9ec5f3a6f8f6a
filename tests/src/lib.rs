//! Helpers that tests share: an app behind a real socket and its responses, a manual clock, custom
//! stores, captured logs and counters, and servers that tests start themselves.

mod budget;
mod certificates;
mod draft_fields;
mod log;
mod memcached;
mod poll;
mod port;
mod process;
mod proxy;
mod recorder;
mod redis;
mod response;
mod server;
mod setup;
mod store;

pub use budget::{Budget, Refund};
pub use certificates::Certificates;
pub use draft_fields::{QuotaPolicy, ServiceLimit};
pub use log::Log;
pub use memcached::MemcachedServer;
pub use poll::{poll_once, poll_then_drop};
pub use proxy::Proxy;
pub use recorder::CounterRecorder;
pub use redis::{FakeRedis, RedisCluster, RedisFailover, RedisServer};
pub use response::TestResponse;
pub use server::Server;
pub use setup::{PEER, head, midnight, peer};
pub use store::{ExpiringStore, OpenStore, YieldingStore};
