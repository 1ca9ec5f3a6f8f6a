//! The trait of byte stores, for stores of the user's own.

use std::time::Duration;

use crate::error::Error;
use crate::store::cas_retry::Retries;

/// A store of your own for the keys of a [`Backend`](crate::backend::Backend): bytes with
/// compare-and-swap.
///
/// Two methods are enough; the others have default implementations on top of them. Override those
/// that your store does better: in one exchange, or for many keys at once.
///
/// Keys are ASCII without spaces, at most a few hundred bytes. They begin with the backend's
/// namespace.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::{Duration, Instant};
///
/// use traffik::{Backend, Error, Store};
///
/// type Entry = (Vec<u8>, Option<Instant>);
///
/// #[derive(Default)]
/// struct Map(Mutex<HashMap<String, Entry>>);
///
/// impl Store for Map {
///     async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
///         let entries = self.0.lock().unwrap();
///         let now = Instant::now();
///         let live = entries.get(key).filter(|(_, expires)| expires.is_none_or(|at| at > now));
///         Ok(live.map(|(value, _)| value.clone()))
///     }
///
///     async fn compare_and_swap(
///         &self,
///         key: &str,
///         expected: Option<&[u8]>,
///         new: Option<&[u8]>,
///         ttl: Option<Duration>,
///     ) -> Result<bool, Error> {
///         let mut entries = self.0.lock().unwrap();
///         let now = Instant::now();
///         let live = entries.get(key).filter(|(_, expires)| expires.is_none_or(|at| at > now));
///         if live.map(|(value, _)| &**value) != expected {
///             return Ok(false);
///         }
///         let old = live.and_then(|(_, expires)| *expires);
///         let expires = ttl.map_or(old, |ttl| now.checked_add(ttl));
///         match new {
///             Some(new) => entries.insert(key.to_owned(), (new.to_vec(), expires)),
///             None => entries.remove(key),
///         };
///         Ok(true)
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let backend = Backend::custom(Map::default());
/// assert_eq!(backend.increment("visits", 2).await?, 2);
/// assert_eq!(backend.get("visits").await?.as_deref(), Some(&b"2"[..]));
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
pub trait Store: Send + Sync + 'static {
    /// Returns the value of a key; `None` if there is none or it has expired.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Error>> + Send;

    /// Sets the value of a key, atomically, if its present value is the expected one. Returns
    /// `true` if it was. `None` stands for an absent key: as `expected` the key must be absent, as
    /// `new` it is removed.
    ///
    /// The new value lives for `ttl` from now on, with [`Duration::MAX`] for ever. With `None` it
    /// lives as long as the old one would have, and for ever if there was none.
    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Sets the value of a key; without a `ttl` it lives for ever.
    fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            let ttl = ttl.or(Some(Duration::MAX));
            let mut retries = Retries::new(key);
            loop {
                let old = self.get(key).await?;
                if self
                    .compare_and_swap(key, old.as_deref(), Some(value), ttl)
                    .await?
                {
                    return Ok(());
                }
                retries.again().await?;
            }
        }
    }

    /// Removes a key. Returns `true` if it was there.
    fn delete(&self, key: &str) -> impl Future<Output = Result<bool, Error>> + Send {
        async move {
            let mut retries = Retries::new(key);
            while let Some(old) = self.get(key).await? {
                if self.compare_and_swap(key, Some(&old), None, None).await? {
                    return Ok(true);
                }
                retries.again().await?;
            }
            Ok(false)
        }
    }

    /// Adds to an integer in decimal digits, which is 0 if the key is absent, and returns the sum.
    /// The `ttl` applies to a key that was absent; the time to live of an existing key does not
    /// change.
    fn increment(
        &self,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<i64, Error>> + Send {
        async move {
            let mut retries = Retries::new(key);
            loop {
                let old = self.get(key).await?;
                let sum = sum(key, old.as_deref(), by)?;
                let (new, ttl) = (sum.to_string(), ttl.filter(|_| old.is_none()));
                if self
                    .compare_and_swap(key, old.as_deref(), Some(new.as_bytes()), ttl)
                    .await?
                {
                    return Ok(sum);
                }
                retries.again().await?;
            }
        }
    }

    /// Sets the time to live of a key, from now on. Returns `true` if the key was there.
    fn expire(&self, key: &str, ttl: Duration) -> impl Future<Output = Result<bool, Error>> + Send {
        async move {
            let mut retries = Retries::new(key);
            while let Some(old) = self.get(key).await? {
                if self
                    .compare_and_swap(key, Some(&old), Some(&old), Some(ttl))
                    .await?
                {
                    return Ok(true);
                }
                retries.again().await?;
            }
            Ok(false)
        }
    }

    /// Returns the values of keys, in their order.
    fn multi_get(
        &self,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Option<Vec<u8>>>, Error>> + Send {
        async move {
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                values.push(self.get(key).await?);
            }
            Ok(values)
        }
    }

    /// Sets the values of keys, each as [`set`](Self::set) does. Not atomic: after an error some
    /// may be written.
    fn multi_set(
        &self,
        entries: &[(String, &[u8])],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            for (key, value) in entries {
                self.set(key, value, ttl).await?;
            }
            Ok(())
        }
    }

    /// Removes all keys with this prefix. Default: [`Error::Unsupported`].
    fn clear(&self, prefix: &str) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = prefix;
        async { Err(Error::Unsupported { operation: "clear" }) }
    }

    /// Checks that operations would succeed, as far as that can be checked. Default: they would.
    fn ready(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// Closes connections; every later operation fails. Default: does nothing.
    fn close(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }
}

/// Returns the value of a counter after an increment.
pub(crate) fn sum(key: &str, old: Option<&[u8]>, by: i64) -> Result<i64, Error> {
    let Some(old) = old else { return Ok(by) };
    let number = str::from_utf8(old).ok().and_then(|old| old.parse().ok());
    let number: i64 =
        number.ok_or_else(|| Error::backend(format!("the value of `{key}` is no whole number")))?;
    number
        .checked_add(by)
        .ok_or_else(|| Error::backend(format!("`{key}` would leave the range of 64 bits")))
}
