//! What tests share: an app behind a real socket, what it answered, a clock that stands, and servers of their own.

mod answer;
mod certificates;
mod fields;
mod ground;
mod memcached;
mod port;
mod proxy;
mod redis;
mod server;

pub use answer::Answer;
pub use certificates::Certificates;
pub use fields::{Policy, Standing};
pub use ground::{PEER, head, midnight, peer};
pub use memcached::MemcachedServer;
pub use proxy::Proxy;
pub use redis::{FakeRedis, RedisCluster, RedisFailover, RedisServer};
pub use server::Server;
