//! Keys of states: 128-bit hashes of throttle and client, keyed by a secret of the process.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

static SECRET: LazyLock<Secret> = LazyLock::new(Secret::new);

/// What nobody outside the process can guess, so that nobody can choose keys that meet.
struct Secret {
    shared: SharedSeed,
    first: u64,
    second: u64,
}

impl Secret {
    fn new() -> Self {
        // The standard library's hashers are seeded by the operating system.
        let random = || RandomState::new().build_hasher().finish();
        Self {
            shared: SharedSeed::from_u64(random()),
            first: random(),
            second: random(),
        }
    }
}

/// The hash of a throttle's law and a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// Never 0, which marks a slot nobody has.
    pub(crate) first: u64,
    pub(crate) second: u64,
}

/// Writes what a key is made of; parts of different kinds or lengths never meet.
#[derive(Clone)]
pub(crate) struct KeyHasher {
    first: FoldHasher<'static>,
    second: FoldHasher<'static>,
}

impl KeyHasher {
    pub(crate) fn new() -> Self {
        let Secret {
            shared,
            first,
            second,
        } = &*SECRET;
        Self {
            first: FoldHasher::with_seed(*first, shared),
            second: FoldHasher::with_seed(*second, shared),
        }
    }

    /// A part: what kind of thing it is, and its bytes.
    #[inline]
    pub(crate) fn part(&mut self, kind: u8, bytes: &[u8]) {
        let head = (bytes.len() as u64) << 8 | u64::from(kind);
        self.first.write_u64(head);
        self.first.write(bytes);
        self.second.write_u64(head);
        self.second.write(bytes);
    }

    /// A part that is an address.
    #[inline]
    pub(crate) fn address(&mut self, kind: u8, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.part(kind, &address.octets()),
            IpAddr::V6(address) => self.part(kind, &address.octets()),
        }
    }

    #[inline]
    pub(crate) fn finish(&self) -> Key {
        Key {
            first: self.first.finish().max(1),
            second: self.second.finish(),
        }
    }
}
