//! Scripts for bytes: what takes a look and a write.

pub(crate) mod decide;

use std::sync::LazyLock;

use crate::store::redis::decide::REPLACE_SOURCE;
use crate::store::redis::lua::decide::{MANY_SOURCE, ONE_SOURCES};

/// A script and what servers know it by.
pub(crate) struct Script {
    pub(crate) source: &'static str,
    pub(crate) hash: String,
}

impl Script {
    pub(crate) fn new(source: &'static str) -> Self {
        Self {
            source,
            hash: redis::Script::new(source).get_hash().to_owned(),
        }
    }
}

/// Adds to a number, which gets a time to live if it was not there. The sum is read as text: Lua's numbers are exact
/// only up to 2^53.
const INCREMENT_SOURCE: &str = "\
redis.call('SET', KEYS[1], '0', 'PX', ARGV[2], 'NX')
redis.call('INCRBY', KEYS[1], ARGV[1])
return redis.call('GET', KEYS[1])";

/// Calls everything that decisions call, and writes nothing: its key never exists.
const READY_SOURCE: &str = "\
redis.call('TIME')
redis.call('GET', KEYS[1])
redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], '', 'PX', 1, 'XX')
return 1";

/// Arguments: the expected value and the new one, each with a `+` before it or nothing for no key; milliseconds to live,
/// `0` for ever, or nothing for as long as the old one would have.
const COMPARE_AND_SWAP_SOURCE: &str = "\
local old, new, ttl = redis.call('GET', KEYS[1]), ARGV[2], ARGV[3]
if (old and '+' .. old or '') ~= ARGV[1] then return 0 end
if new == '' then
  if old then redis.call('DEL', KEYS[1]) end
elseif ttl == '' then redis.call('SET', KEYS[1], new:sub(2), 'KEEPTTL')
elseif ttl == '0' then redis.call('SET', KEYS[1], new:sub(2))
else redis.call('SET', KEYS[1], new:sub(2), 'PX', ttl)
end
return 1";

pub(crate) static INCREMENT: LazyLock<Script> = LazyLock::new(|| Script::new(INCREMENT_SOURCE));

pub(crate) static READY: LazyLock<Script> = LazyLock::new(|| Script::new(READY_SOURCE));

pub(crate) static COMPARE_AND_SWAP: LazyLock<Script> =
    LazyLock::new(|| Script::new(COMPARE_AND_SWAP_SOURCE));

/// What every server is told when it is connected to.
pub(crate) const LOADED: &[&str] = &{
    let [window, counter, meter, rollover, adaptive, log, mean, hours] = ONE_SOURCES;
    [
        window,
        counter,
        meter,
        rollover,
        adaptive,
        log,
        mean,
        hours,
        MANY_SOURCE,
        REPLACE_SOURCE,
        INCREMENT_SOURCE,
        COMPARE_AND_SWAP_SOURCE,
        READY_SOURCE,
    ]
};
