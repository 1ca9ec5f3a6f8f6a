//! What every store can do with bytes: the trait for stores of the user's own.

use std::time::Duration;

use crate::error::Error;
use crate::store::cas_retry::Retries;

/// Where a [`Backend`](crate::backend::Backend) keeps its keys, if you bring your own: bytes with compare-and-swap.
///
/// Two methods are enough; the others are made of them. Override those that your store does better: in one exchange, or
/// for many keys at once.
///
/// Keys are ASCII without spaces, at most a few hundred bytes. They begin with the backend's namespace.
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
///         let live = entries.get(key).filter(|(_, expires)| expires.is_none_or(|at| at > Instant::now()));
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
///         let kept = live.and_then(|(_, expires)| *expires);
///         let expires = ttl.map_or(kept, |ttl| now.checked_add(ttl));
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
/// assert_eq!(backend.increment("seen", 2).await?, 2);
/// assert_eq!(backend.get("seen").await?.as_deref(), Some(&b"2"[..]));
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
pub trait Store: Send + Sync + 'static {
    /// The value of a key; nothing if there is none, or it has expired.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Error>> + Send;

    /// Writes a value, atomically, if the present one is as expected, and says whether it was. No value means no key: an
    /// `expected` of `None` is a key that must not be there, a `new` of `None` removes it.
    ///
    /// `ttl` is how long the new value lives from now, [`Duration::MAX`] for ever. With `None` it lives as long as the
    /// old one would have; what was not there before, for ever.
    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Writes a value whatever there was; without a `ttl` it lives for ever.
    fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            let ttl = ttl.or(Some(Duration::MAX));
            let mut retries = Retries::of(key);
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

    /// Removes a key, and says whether it was there.
    fn delete(&self, key: &str) -> impl Future<Output = Result<bool, Error>> + Send {
        async move {
            let mut retries = Retries::of(key);
            while let Some(old) = self.get(key).await? {
                if self.compare_and_swap(key, Some(&old), None, None).await? {
                    return Ok(true);
                }
                retries.again().await?;
            }
            Ok(false)
        }
    }

    /// Adds to a whole number in decimal digits, which is 0 if it is not there, and returns the sum. The `ttl` is given
    /// to a number that was not there; one that was keeps its own.
    fn increment(
        &self,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<i64, Error>> + Send {
        async move {
            let mut retries = Retries::of(key);
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

    /// Lets a key live this long from now, and says whether it was there.
    fn expire(&self, key: &str, ttl: Duration) -> impl Future<Output = Result<bool, Error>> + Send {
        async move {
            let mut retries = Retries::of(key);
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

    /// The values of keys, in their order.
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

    /// Writes values, each as [`set`](Self::set) does. Not atomic: after an error some may be written.
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

    /// Removes all keys that begin like this. Default: [`Error::Unsupported`].
    fn clear(&self, prefix: &str) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = prefix;
        async { Err(Error::Unsupported { operation: "clear" }) }
    }

    /// Whether operations would succeed, as far as that can be known. Default: they would.
    fn ready(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// Lets go of what the store holds open; operations fail from then on. Default: nothing is done.
    fn close(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }
}

/// What a counter is after an increment.
pub(crate) fn sum(key: &str, old: Option<&[u8]>, by: i64) -> Result<i64, Error> {
    let Some(old) = old else { return Ok(by) };
    let number = str::from_utf8(old).ok().and_then(|old| old.parse().ok());
    let number: i64 =
        number.ok_or_else(|| Error::backend(format!("the value of `{key}` is no whole number")))?;
    number
        .checked_add(by)
        .ok_or_else(|| Error::backend(format!("`{key}` would leave the range of 64 bits")))
}
