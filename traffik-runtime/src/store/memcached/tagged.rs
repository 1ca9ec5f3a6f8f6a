//! The numbers in the counters of windows: a count, and in its lowest bits a tag.
//!
//! A counter gets a random tag when it is made. The reply to an addition contains it, and a refund
//! names it. So no refund is subtracted from a counter that was made after the first one was
//! evicted or flushed, but for one in a thousand that happens to have its tag.

use crate::resilience::backoff::random;
use crate::store::memcached::meta_protocol::reply::Reply;

/// The bits of a tag. The other 54 have room for twice the largest cost.
const TAG_BITS: u32 = 10;

const TAGS: u64 = 1 << TAG_BITS;

/// The count beyond which nothing is charged. It is far above all limits, so that costs which are
/// still to be subtracted do not bring it below one.
pub(crate) const SATURATED: u64 = 3 << 52;

/// The largest cost that is added before the count is read. Between [`SATURATED`] and the largest
/// count there is room for four thousand of them.
pub(crate) const LARGEST_BLIND: u64 = 1 << 40;

/// A count, and the tag of its counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tagged {
    pub(crate) count: u64,
    pub(crate) tag: u64,
}

impl Tagged {
    /// The number of a new counter.
    pub(crate) fn new(count: u64) -> Self {
        // 0 names no counter.
        let tag = 1 + random() % (TAGS - 1);
        Self { count, tag }
    }

    /// Parses a number; `None` if there is none. A number that became shorter may end in spaces.
    pub(crate) fn read(reply: &Reply) -> Option<Self> {
        let value = str::from_utf8(reply.value.as_deref()?).ok()?;
        let number: u64 = value.trim_end().parse().ok()?;
        Some(Self {
            count: number >> TAG_BITS,
            tag: number % TAGS,
        })
    }

    /// Returns the number in the counter.
    pub(crate) const fn number(self) -> u64 {
        difference(self.count) | self.tag
    }
}

/// Returns the difference between numbers whose counts differ by this.
pub(crate) const fn difference(count: u64) -> u64 {
    count << TAG_BITS
}

#[cfg(test)]
mod tests {
    use super::{LARGEST_BLIND, SATURATED, Tagged, difference};
    use crate::store::memcached::meta_protocol::reply::{Reply, Status};
    use crate::strategy::kernel::tick::EXACT;

    fn read(number: u64) -> Option<Tagged> {
        Tagged::read(&Reply {
            status: Status::Done,
            value: Some(format!("{number}  ").into_bytes()),
            cas: 0,
            seconds: None,
            flags: 0,
        })
    }

    #[test]
    fn keeps_the_tag_while_the_count_changes() {
        for count in [0, 1, EXACT, SATURATED] {
            let new = Tagged::new(count);
            assert!(new.tag > 0);
            assert_eq!(read(new.number()), Some(new));
            for cost in [1, LARGEST_BLIND] {
                let after = read(new.number() + difference(cost));
                let count = count + cost;
                assert_eq!(after, Some(Tagged { count, ..new }));
            }
        }
    }

    #[test]
    fn leaves_room_above_the_largest_count() {
        const { assert!(SATURATED > EXACT + 4_000 * LARGEST_BLIND) };
        let highest = SATURATED + 4_000 * LARGEST_BLIND;
        let tagged = Tagged::new(highest);
        assert_eq!(read(tagged.number()), Some(tagged));
    }
}
