//! Keys of states in memory: 128-bit hashes of throttle and client, keyed by a secret of the
//! process.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

/// The bits of a key's first word that are its throttle's tag.
const TAG_BITS: u32 = 12;
const TAG_SHIFT: u32 = u64::BITS - TAG_BITS;
const TAG: u64 = u64::MAX << TAG_SHIFT;

static SECRET: LazyLock<Secret> = LazyLock::new(Secret::new);

/// Random seeds, so that nobody outside the process can choose keys that collide.
struct Secret {
    shared: SharedSeed,
    first: u64,
    second: u64,
    /// The distance between the seeds of two kinds.
    kinds: u64,
}

impl Secret {
    fn new() -> Self {
        // The standard library's hashers are seeded by the operating system.
        let random = || RandomState::new().build_hasher().finish();
        Self {
            shared: SharedSeed::from_u64(random()),
            first: random(),
            second: random(),
            kinds: random() | 1,
        }
    }
}

/// The hash of a throttle's law and a client. Twelve of its bits are a tag that all keys of one
/// throttle share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// Never 0, which marks a vacant slot.
    pub(crate) first: u64,
    pub(crate) second: u64,
}

impl Key {
    /// Returns the key from which all keys are derived.
    pub(crate) fn root() -> Self {
        Self {
            first: SECRET.first,
            second: SECRET.second,
        }
    }

    /// Returns the key from which all keys of a throttle are derived, with the throttle's tag.
    pub(crate) fn of_throttle(uid: &str, strategy: &str) -> Self {
        let key = Self::root().join(0, uid.as_bytes());
        let Self { first, second } = key.join(0, strategy.as_bytes());
        let first = (first & !TAG | second & TAG).max(1);
        Self { first, second }
    }

    /// The number of tags.
    pub(crate) const TAGS: usize = 1 << TAG_BITS;

    /// Returns the tag of the key's throttle, less than [`TAGS`](Self::TAGS). Two throttles have
    /// one tag with a probability of 1 in 4 096.
    #[inline]
    pub(crate) const fn tag(self) -> usize {
        (self.first >> TAG_SHIFT) as usize
    }

    /// Derives the key of a part of this one, from the part's kind and bytes. Parts of different
    /// kinds or lengths never have one key. The tag stays.
    #[inline(always)]
    pub(crate) fn join(self, kind: u8, bytes: &[u8]) -> Self {
        let Secret { shared, kinds, .. } = &*SECRET;
        // Secret seeds separate kinds; the hasher includes the number of bytes.
        let kind = kinds.wrapping_mul(u64::from(kind));
        let hash = |seed: u64| {
            let mut hasher = FoldHasher::with_seed(seed.wrapping_add(kind), shared);
            hasher.write(bytes);
            hasher.finish()
        };
        Self {
            first: (hash(self.first) & !TAG | self.first & TAG).max(1),
            second: hash(self.second),
        }
    }

    /// Derives the key of a part that is an address.
    #[inline]
    pub(crate) fn join_address(self, kind: u8, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.join(kind, &address.octets()),
            IpAddr::V6(address) => self.join(kind, &address.octets()),
        }
    }
}
