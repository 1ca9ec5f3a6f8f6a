//! A hasher of keys for maps: it takes a word of the key, which is a hash already.

use std::hash::{BuildHasherDefault, Hasher};

/// The hasher of maps by [`Key`](crate::store::key::Key): nobody outside the process can choose
/// keys, so their second words are hashes that need no other. The first words choose shards.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher {
    word: u64,
}

/// Builds [`KeyHasher`]s.
pub(crate) type BuildKeyHasher = BuildHasherDefault<KeyHasher>;

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.word = self.word.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.word = word;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.word
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher as _;

    use super::BuildKeyHasher;
    use crate::store::key::Key;

    #[test]
    fn hashes_a_key_to_its_second_word() {
        let key = Key {
            first: 7,
            second: 9,
        };
        assert_eq!(BuildKeyHasher::default().hash_one(key), 9);
    }
}
