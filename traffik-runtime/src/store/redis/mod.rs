//! The store on Redis and compatible servers, whose states and keys any number of processes share.
//!
//! A URL ([`url`]) or a client of the user's gives a [`connector`]. It opens the [`connection`]s
//! that [`reconnect`] replaces when they break. The [`client`] sends commands over them, and
//! classifies each [`error`]. [`state_store`] decides by the script in [`lua`], whose calls
//! [`batches`] share, and [`byte_store`] stores values.

pub(crate) mod batches;
pub(crate) mod byte_store;
pub(crate) mod clear;
pub(crate) mod client;
#[cfg(feature = "redis-cluster")]
pub(crate) mod cluster;
pub(crate) mod cluster_sets;
pub(crate) mod compare_and_set;
pub(crate) mod connection;
pub(crate) mod connection_state;
pub(crate) mod connection_task;
pub(crate) mod connector;
pub(crate) mod decide;
pub(crate) mod error;
pub(crate) mod eviction;
pub(crate) mod handshake;
pub(crate) mod health;
pub(crate) mod lease;
pub(crate) mod lua;
pub(crate) mod protocol;
pub(crate) mod reconnect;
pub(crate) mod replies;
pub(crate) mod run_script;
#[cfg(feature = "redis-sentinel")]
pub(crate) mod sentinel;
pub(crate) mod settle;
pub(crate) mod state_store;
#[cfg(feature = "test-util")]
pub(crate) mod stream;
pub(crate) mod tcp;
pub(crate) mod url;
pub(crate) mod url_parameters;
