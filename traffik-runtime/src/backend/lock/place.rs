//! The place of a lock in one store.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::store::handle::StoreHandle;

/// The key of a lock, or of one part of it, in a store.
#[derive(Clone, Debug)]
pub(super) struct LockPlace {
    pub(super) store: Arc<StoreHandle>,
    pub(super) key: String,
}

impl LockPlace {
    /// Writes the holder's token. Returns `true` if no other holder has the lock.
    pub(super) async fn acquire(&self, token: &str, ttl: Duration) -> Result<bool, Error> {
        let token = Some(token.as_bytes());
        let bytes = self.store.bytes();
        bytes
            .compare_and_swap(&self.key, None, token, Some(ttl))
            .await
    }

    /// Removes the holder's token. Returns `true` if the holder still had the lock.
    pub(super) async fn release(self, token: Arc<str>) -> Result<bool, Error> {
        let token = Some(token.as_bytes());
        let bytes = self.store.bytes();
        bytes.compare_and_swap(&self.key, token, None, None).await
    }
}
