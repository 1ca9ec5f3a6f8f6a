//! Byte stores of any type, behind a trait object.

use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::flow::BoxFuture;
use crate::store::byte_store::Store;

/// The future of an operation.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// An object-safe [`Store`], with its methods.
pub(crate) trait DynStore: Send + Sync + 'static {
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>>;
    fn compare_and_swap<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
        ttl: Option<Duration>,
    ) -> Answer<'a, bool>;
    fn set<'a>(&'a self, key: &'a str, value: &'a [u8], ttl: Option<Duration>) -> Answer<'a, ()>;
    fn delete<'a>(&'a self, key: &'a str) -> Answer<'a, bool>;
    fn increment<'a>(&'a self, key: &'a str, by: i64, ttl: Option<Duration>) -> Answer<'a, i64>;
    fn expire<'a>(&'a self, key: &'a str, ttl: Duration) -> Answer<'a, bool>;
    fn multi_get<'a>(&'a self, keys: &'a [String]) -> Answer<'a, Vec<Option<Vec<u8>>>>;
    fn multi_set<'a>(
        &'a self,
        entries: &'a [(String, &'a [u8])],
        ttl: Option<Duration>,
    ) -> Answer<'a, ()>;
    fn clear<'a>(&'a self, prefix: &'a str) -> Answer<'a, ()>;
    fn ready(&self) -> Answer<'_, ()>;
    fn close(&self) -> Answer<'_, ()>;
    fn type_name(&self) -> &'static str;
}

impl<S: Store> DynStore for S {
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(Store::get(self, key))
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
        ttl: Option<Duration>,
    ) -> Answer<'a, bool> {
        Box::pin(Store::compare_and_swap(self, key, expected, new, ttl))
    }

    fn set<'a>(&'a self, key: &'a str, value: &'a [u8], ttl: Option<Duration>) -> Answer<'a, ()> {
        Box::pin(Store::set(self, key, value, ttl))
    }

    fn delete<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        Box::pin(Store::delete(self, key))
    }

    fn increment<'a>(&'a self, key: &'a str, by: i64, ttl: Option<Duration>) -> Answer<'a, i64> {
        Box::pin(Store::increment(self, key, by, ttl))
    }

    fn expire<'a>(&'a self, key: &'a str, ttl: Duration) -> Answer<'a, bool> {
        Box::pin(Store::expire(self, key, ttl))
    }

    fn multi_get<'a>(&'a self, keys: &'a [String]) -> Answer<'a, Vec<Option<Vec<u8>>>> {
        Box::pin(Store::multi_get(self, keys))
    }

    fn multi_set<'a>(
        &'a self,
        entries: &'a [(String, &'a [u8])],
        ttl: Option<Duration>,
    ) -> Answer<'a, ()> {
        Box::pin(Store::multi_set(self, entries, ttl))
    }

    fn clear<'a>(&'a self, prefix: &'a str) -> Answer<'a, ()> {
        Box::pin(Store::clear(self, prefix))
    }

    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(Store::ready(self))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(Store::close(self))
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<S>()
    }
}

impl fmt::Debug for dyn DynStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}
