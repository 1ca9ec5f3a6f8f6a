//! Keys and values on Memcached.

use std::time::Duration;

use crate::error::Error;
use crate::store::byte_store::{Store, sum};
use crate::store::memcached::client::Memcached;
use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::reply::{Reply, Status};
use crate::store::memcached::meta_protocol::request::{Lifetime, Request};
use crate::store::memcached::operation::Operation;
use crate::store::memcached::ttl::{is_over, lifetime, remaining};

/// The value of a key as it was read, and its version.
pub(crate) struct Snapshot {
    pub(crate) value: Option<Vec<u8>>,
    /// The item on the server, if there is one. It may have ended, and then it is no value.
    item: Option<Item>,
}

/// An item on the server.
struct Item {
    cas: u64,
    lifetime: Lifetime,
}

impl Snapshot {
    fn new(reply: Reply) -> Self {
        if reply.status != Status::Done {
            return Self {
                value: None,
                item: None,
            };
        }
        let item = Item {
            cas: reply.cas,
            lifetime: remaining(reply.seconds, reply.flags),
        };
        let live = !is_over(reply.flags);
        Self {
            value: reply.value.filter(|_| live),
            item: Some(item),
        }
    }
}

impl Operation<'_> {
    /// Reads the value of a name.
    pub(crate) async fn read(&self, name: &str) -> Result<Snapshot, Failed> {
        self.send(Request::get(name)).await.map(Snapshot::new)
    }

    /// Writes the value of a name without an item. Returns `false` if there is one.
    pub(crate) async fn add(
        &self,
        name: &str,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, Failed> {
        let set = Request::set(name, value, lifetime).only_new();
        Ok(self.send(set).await?.status == Status::Done)
    }

    /// Replaces the value that was read. Returns `false` if it has changed meanwhile. Without a new
    /// lifetime it ends as the old one would have.
    pub(crate) async fn replace(
        &self,
        name: &str,
        snapshot: &Snapshot,
        value: &[u8],
        new: Option<Lifetime>,
    ) -> Result<bool, Failed> {
        let Some(item) = &snapshot.item else {
            return self.add(name, value, new.unwrap_or_default()).await;
        };
        // An item that has ended has no end to preserve.
        let old = if snapshot.value.is_some() {
            item.lifetime
        } else {
            Lifetime::default()
        };
        let set = Request::set(name, value, new.unwrap_or(old)).only_if(item.cas);
        Ok(self.send(set).await?.status == Status::Done)
    }

    /// Removes the item that was read. Returns `false` if it has changed meanwhile.
    async fn remove(&self, name: &str, snapshot: &Snapshot) -> Result<bool, Failed> {
        let Some(item) = &snapshot.item else {
            return Ok(true);
        };
        let reply = self.send(Request::delete(name).only_if(item.cas)).await?;
        Ok(reply.status == Status::Done)
    }

    /// Adds to a number that Memcached can add to: one that exists, with a sum and an addend above
    /// zero. Returns `None` for any other.
    async fn add_to(&self, name: &str, by: i64) -> Result<Option<i64>, Error> {
        let Some(by) = u64::try_from(by).ok().filter(|by| *by > 0) else {
            return Ok(None);
        };
        let reply = match self.send(Request::add_to(name, by)).await {
            Ok(reply) => reply,
            // It is negative, or no number, which the caller finds out when it reads it.
            Err(Failed::Refused(_)) => return Ok(None),
            Err(failed) => return Err(failed.into()),
        };
        // In its last seconds it may have ended by the time in its flags, and then the addition was
        // in vain.
        let over =
            reply.seconds.is_some_and(|left| left <= 3) && self.read(name).await?.value.is_none();
        if reply.status != Status::Done || over {
            return Ok(None);
        }
        let sum = reply
            .value
            .as_deref()
            .and_then(|sum| str::from_utf8(sum).ok()?.trim().parse::<u64>().ok());
        let sum = sum.ok_or(Failed::Protocol)?;
        if let Ok(sum) = i64::try_from(sum) {
            return Ok(Some(sum));
        }
        self.send(Request::subtract_from(name, by)).await?;
        let message = format!("`{name}` would leave the range of 64 bits");
        Err(Error::backend(message))
    }
}

impl Store for Memcached {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.begin()?.read(key).await?.value)
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let operation = self.begin()?;
        let new_lifetime = ttl.map(|ttl| lifetime(Some(ttl)));
        if let (None, Some(new)) = (expected, new)
            && operation
                .add(key, new, new_lifetime.unwrap_or_default())
                .await?
        {
            return Ok(true);
        }
        let mut retries = operation.retries(key);
        loop {
            let snapshot = operation.read(key).await?;
            if snapshot.value.as_deref() != expected {
                return Ok(false);
            }
            let swapped = match new {
                Some(new) => operation.replace(key, &snapshot, new, new_lifetime).await?,
                None => operation.remove(key, &snapshot).await?,
            };
            if swapped {
                return Ok(true);
            }
            retries.again().await?;
        }
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        let set = Request::set(key, value, lifetime(ttl));
        self.begin()?.send(set).await?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<bool, Error> {
        let operation = self.begin()?;
        let mut retries = operation.retries(key);
        loop {
            let snapshot = operation.read(key).await?;
            if snapshot.value.is_none() {
                return Ok(false);
            }
            if operation.remove(key, &snapshot).await? {
                return Ok(true);
            }
            retries.again().await?;
        }
    }

    async fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
        let operation = self.begin()?;
        if let Some(sum) = operation.add_to(key, by).await? {
            return Ok(sum);
        }
        let mut retries = operation.retries(key);
        loop {
            let snapshot = operation.read(key).await?;
            let sum = sum(key, snapshot.value.as_deref(), by)?;
            let value = sum.to_string();
            let new_lifetime = snapshot.value.is_none().then(|| lifetime(ttl));
            if operation
                .replace(key, &snapshot, value.as_bytes(), new_lifetime)
                .await?
            {
                return Ok(sum);
            }
            retries.again().await?;
        }
    }

    async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        let operation = self.begin()?;
        let mut retries = operation.retries(key);
        loop {
            let snapshot = operation.read(key).await?;
            let Some(value) = &snapshot.value else {
                return Ok(false);
            };
            if operation
                .replace(key, &snapshot, value, Some(lifetime(Some(ttl))))
                .await?
            {
                return Ok(true);
            }
            retries.again().await?;
        }
    }

    async fn multi_get(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let requests = keys.iter().map(|key| Request::get(key)).collect();
        let replies = self.begin()?.send_all(requests).await?;
        let values = replies.into_iter().map(|reply| Snapshot::new(reply).value);
        Ok(values.collect())
    }

    async fn multi_set(
        &self,
        entries: &[(String, &[u8])],
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let lifetime = lifetime(ttl);
        let set = entries
            .iter()
            .map(|(key, value)| Request::set(key, value, lifetime));
        self.begin()?.send_all(set.collect()).await?;
        Ok(())
    }

    async fn clear(&self, _: &str) -> Result<(), Error> {
        let operation = self.begin()?;
        let generations = self.generations.as_ref();
        let generations = generations.ok_or(Error::Unsupported { operation: "clear" })?;
        Ok(generations.clear(&operation.exchange).await?)
    }

    async fn ready(&self) -> Result<(), Error> {
        Ok(self.begin()?.ready().await?)
    }

    async fn close(&self) -> Result<(), Error> {
        self.pools()?.close();
        Ok(())
    }
}
