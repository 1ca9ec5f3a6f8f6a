//! Requests of one exchange in the form in which they are sent.

use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::resilience::backoff::random;
use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::request::{Opaque, Request};

/// The greatest size of a value in bytes: sixteen times Memcached's default.
pub(crate) const LARGEST_VALUE: usize = 16 << 20;

/// The requests of an exchange, all of which are written at once.
#[derive(Debug)]
pub(crate) struct EncodedRequests {
    pub(crate) bytes: Vec<u8>,
    /// The numbers of the requests, in their order.
    pub(crate) opaques: Range<u64>,
}

impl EncodedRequests {
    /// Encodes requests, for keys in this generation of their namespace if there are any.
    ///
    /// # Errors
    ///
    /// A value that is too large.
    pub(crate) fn new(requests: &[Request<'_>], generation: Option<u64>) -> Result<Self, Failed> {
        Self::with_capacity(requests.len()).extend(requests, generation)
    }

    /// Encodes a request for a key as it is, and behind it others in this generation.
    ///
    /// # Errors
    ///
    /// A value that is too large.
    pub(crate) fn behind(
        first: &Request<'_>,
        requests: &[Request<'_>],
        generation: u64,
    ) -> Result<Self, Failed> {
        let mut encoded = Self::with_capacity(1 + requests.len());
        encoded.push(first, None)?;
        encoded.extend(requests, Some(generation))
    }

    fn with_capacity(count: usize) -> Self {
        let first = next_opaque(count as u64);
        Self {
            bytes: Vec::with_capacity(128 * count),
            opaques: first..first,
        }
    }

    fn push(&mut self, request: &Request<'_>, generation: Option<u64>) -> Result<(), Failed> {
        // A server may be configured to store it, but it could never be read again.
        if request.size() > LARGEST_VALUE {
            let message = "a value for Memcached must not be larger than 16 MiB";
            return Err(Failed::Refused(message.to_owned()));
        }
        let opaque = Opaque(self.opaques.end);
        request.write(generation, opaque, &mut self.bytes);
        self.opaques.end += 1;
        Ok(())
    }

    fn extend(mut self, requests: &[Request<'_>], generation: Option<u64>) -> Result<Self, Failed> {
        for request in requests {
            self.push(request, generation)?;
        }
        Ok(self)
    }
}

/// Returns the first of this many numbers that no other requests of this process have, and hardly
/// any of another process.
fn next_opaque(count: u64) -> u64 {
    // Half of all numbers are left, so that this process reaches no end of them.
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(random() >> 1));
    NEXT.fetch_add(count, Ordering::Relaxed)
}
