//! What every backend does: decide a slice of plans, all or nothing.

pub(crate) mod background;
pub(crate) mod byte_store;
pub(crate) mod caller;
pub(crate) mod cas;
pub(crate) mod cas_apply;
pub(crate) mod cas_retry;
pub(crate) mod codec;
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) mod entry_limit;
pub(crate) mod erased;
pub(crate) mod key;
pub(crate) mod key_encoding;
pub(crate) mod lifetime;
#[cfg(feature = "memcached")]
pub(crate) mod memcached;
pub(crate) mod memory;
pub(crate) mod outcome;
pub(crate) mod plan;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod sequential;
pub(crate) mod settlement;
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) mod tls;

pub use byte_store::Store;
#[cfg(feature = "memcached")]
pub use memcached::MemcachedBackend;
#[cfg(feature = "memcached")]
pub use memcached::nodes::MemcachedNodes;
pub use memory::MemoryBackend;
#[cfg(feature = "redis")]
pub use redis::RedisBackend;
#[cfg(any(feature = "memcached", feature = "redis"))]
pub use tls::Tls;

use std::fmt;

use crate::clock::reading::Reading;
use crate::inline_vec::InlineVec4;
use crate::store::caller::Caller;
use crate::store::erased::Answer;
use crate::store::outcome::Outcome;
use crate::store::plan::Plan;
use crate::store::settlement::Settling;
use crate::strategy::kernel::state::State;

/// Where states live. A store applies laws atomically; it knows no throttles, clients or requests.
///
/// What can be answered at once, without asking anybody else, is; else the same is asked again and waited for.
pub(crate) trait Decide: fmt::Debug + Send + Sync + 'static {
    /// What kind of store it is, in a word for logs and handlers.
    fn kind(&self) -> &'static str {
        "custom"
    }

    /// Decides all plans at one moment, and writes all or none.
    fn decide_now(&self, plans: &[Plan<'_>], at: Reading<'_>) -> Option<Outcome> {
        let _ = (plans, at);
        None
    }

    /// Does what a settlement says; whether it is done.
    fn settle_now(&self, settling: &[Settling<'_>], now: u64) -> bool {
        let _ = (settling, now);
        false
    }

    /// Whether refunds of one key can be made side by side, because the store itself subtracts them.
    fn subtracts(&self) -> bool {
        false
    }

    /// The states of all plans at one moment.
    fn read_now(&self, plans: &[Plan<'_>], now: u64) -> Option<InlineVec4<State>> {
        let _ = (plans, now);
        None
    }

    /// The same as [`decide_now`](Self::decide_now), at this time or at the store's. Never dropped before it has ended:
    /// once the caller has gone it runs in the background, takes no further member, and refunds what it took of a set.
    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
        caller: &'a Caller,
    ) -> Answer<'a, Outcome>;

    /// The same as [`settle_now`](Self::settle_now). It is done whether the caller waits for it or not.
    fn settle<'a>(
        &'a self,
        settling: &'a [Settling<'a>],
        at: Option<u64>,
        caller: &'a Caller,
    ) -> Answer<'a, ()>;

    /// The same as [`read_now`](Self::read_now), and when it was.
    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
    ) -> Answer<'a, (u64, InlineVec4<State>)>;
}
