//! The store on Memcached, whose states and keys any number of processes share.
//!
//! [`nodes`] parses the addresses of servers. A [`pool`] has connections to each server, which all
//! callers share: each has a [`request_queue`] and a [`connection_task`], which opens a
//! [`connection`] that speaks the [`meta_protocol`]. An [`exchange`] sends requests to one server,
//! an [`operation`] to the servers of its keys. [`state_store`] decides plans: fixed windows by the
//! counters of [`windows`], in one exchange, and every other law by compare-and-swap.

pub(crate) mod buffered_socket;
pub(crate) mod byte_store;
pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod connection_task;
pub(crate) mod connector;
pub(crate) mod counter;
pub(crate) mod decide;
pub(crate) mod error;
pub(crate) mod exchange;
pub(crate) mod generations;
pub(crate) mod handshake;
pub(crate) mod in_flight;
pub(crate) mod lease;
pub(crate) mod meta_protocol;
pub(crate) mod nodes;
pub(crate) mod operation;
pub(crate) mod pool;
pub(crate) mod rendezvous;
pub(crate) mod request_queue;
pub(crate) mod state_store;
pub(crate) mod tagged;
pub(crate) mod ttl;
pub(crate) mod windows;
pub(crate) mod write_locks;
