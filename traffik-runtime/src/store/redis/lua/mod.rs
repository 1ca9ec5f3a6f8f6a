//! All scripts: those for bytes, which read and write in one step, and those that decide.

pub(crate) mod decide;
pub(crate) mod script;

use std::sync::LazyLock;

use crate::store::redis::lua::decide::DECIDE_SOURCE;
use crate::store::redis::lua::script::Script;

/// Adds to a number, and sets its time to live if it was absent. The sum is read as text, because
/// Lua's numbers are exact only up to 2^53.
const INCREMENT_SOURCE: &str = "\
redis.call('SET', KEYS[1], '0', 'PX', ARGV[2], 'NX')
redis.call('INCRBY', KEYS[1], ARGV[1])
return redis.call('GET', KEYS[1])";

/// Calls every command that decisions call, and writes nothing: its key never exists. A server that
/// is out of memory refuses only the first command that writes.
const READY_SOURCE: &str = "\
redis.call('TIME')
redis.call('GET', KEYS[1])
redis.call('GETRANGE', KEYS[1], 0, 0)
redis.call('STRLEN', KEYS[1])
redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], '', 'PX', 1, 'XX')
redis.call('SETRANGE', KEYS[1], 0, '')
redis.call('PEXPIRE', KEYS[1], 1)
return 1";

/// Replaces a value that is as expected. Arguments: the expected value and the new one, each behind
/// a `+`, or an empty string for no key; milliseconds to live, `0` for no end, or an empty string
/// for as long as the old value would have lived.
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

/// Writes states if none has changed since it was read. Arguments: for each key the value that was
/// read or an empty string, the new value or an empty string to leave it, and milliseconds to live.
/// A value of another type is no state.
const REPLACE_SOURCE: &str = "\
for place, key in ipairs(KEYS) do
  local value = redis.pcall('GET', key) or ''
  if value.err and not value.err:find('WRONGTYPE', 1, true) then return value end
  if (value.err and '' or value) ~= ARGV[3 * place - 2] then return 0 end
end
for place, key in ipairs(KEYS) do
  local new = ARGV[3 * place - 1]
  if new ~= '' then redis.call('SET', key, new, 'PX', ARGV[3 * place]) end
end
return 1";

pub(crate) static REPLACE: LazyLock<Script> = LazyLock::new(|| Script::new(REPLACE_SOURCE));

/// The scripts that are loaded on each new connection.
pub(crate) const LOADED: &[&str] = &[
    DECIDE_SOURCE,
    REPLACE_SOURCE,
    INCREMENT_SOURCE,
    COMPARE_AND_SWAP_SOURCE,
    READY_SOURCE,
];
