//! The primitives, on Memcached.

use std::time::Duration;

use crate::error::Error;
use crate::store::byte_store::{Store, sum};
use crate::store::cas_retry::Retries;
use crate::store::memcached::client::{Asking, Memcached};
use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::{Lives, Reply, Request, Status};
use crate::store::memcached::ttl::{is_over, kept, lives};

/// What a key was seen to hold.
pub(crate) struct Seen {
    pub(crate) value: Option<Vec<u8>>,
    /// What stands there, if something does: it may be over, and no value.
    item: Option<Item>,
}

struct Item {
    cas: u64,
    /// The end it has.
    lives: Lives,
}

impl Seen {
    fn of(reply: Reply) -> Self {
        if reply.status != Status::Done {
            return Self {
                value: None,
                item: None,
            };
        }
        let item = Item {
            cas: reply.cas,
            lives: kept(reply.seconds, reply.flags),
        };
        let live = !is_over(reply.flags);
        Self {
            value: reply.value.filter(|_| live),
            item: Some(item),
        }
    }
}

impl Asking<'_> {
    pub(crate) async fn see(&self, name: &str) -> Result<Seen, Failed> {
        self.ask(Request::get(name)).await.map(Seen::of)
    }

    /// Writes a value where nothing is; says whether nothing was.
    pub(crate) async fn add(&self, name: &str, value: &[u8], lives: Lives) -> Result<bool, Failed> {
        let reply = self
            .ask(Request::set(name, value, lives).only_new())
            .await?;
        Ok(reply.status == Status::Done)
    }

    /// Writes over what was seen, if it is still that; says whether it was. Without a new end it keeps the one it had.
    pub(crate) async fn replace(
        &self,
        name: &str,
        seen: &Seen,
        value: &[u8],
        new: Option<Lives>,
    ) -> Result<bool, Failed> {
        let Some(item) = &seen.item else {
            return self.add(name, value, new.unwrap_or_default()).await;
        };
        // What is over has no end to keep.
        let kept = if seen.value.is_some() {
            item.lives
        } else {
            Lives::default()
        };
        let lives = new.unwrap_or(kept);
        let reply = self
            .ask(Request::set(name, value, lives).only_if(item.cas))
            .await?;
        Ok(reply.status == Status::Done)
    }

    /// Removes what was seen, if it is still that; says whether it was.
    async fn remove(&self, name: &str, seen: &Seen) -> Result<bool, Failed> {
        let Some(item) = &seen.item else {
            return Ok(true);
        };
        let reply = self.ask(Request::delete(name).only_if(item.cas)).await?;
        Ok(reply.status == Status::Done)
    }

    /// Adds to a number where Memcached can do it alone: it knows no negative numbers and none that begin.
    async fn add_to(&self, name: &str, by: i64) -> Result<Option<i64>, Error> {
        let Some(by) = u64::try_from(by).ok().filter(|by| *by > 0) else {
            return Ok(None);
        };
        let reply = match self.ask(Request::add_to(name, by)).await {
            Ok(reply) => reply,
            // It is negative, or no number: whoever reads it will see.
            Err(Failed::Refused(_)) => return Ok(None),
            Err(failed) => return Err(failed.into()),
        };
        // In its last seconds it may be over by our own account, and was then added to in vain.
        let over =
            reply.seconds.is_some_and(|left| left <= 3) && self.see(name).await?.value.is_none();
        if reply.status != Status::Done || over {
            return Ok(None);
        }
        let sum = reply
            .value
            .as_deref()
            .and_then(|sum| str::from_utf8(sum).ok()?.trim().parse::<u64>().ok());
        let sum = sum.ok_or(Failed::Astray)?;
        if let Ok(sum) = i64::try_from(sum) {
            return Ok(Some(sum));
        }
        self.ask(Request::take_from(name, by)).await?;
        let message = format!("`{name}` would leave the range of 64 bits");
        Err(Error::backend(message))
    }

    /// Whether every server answers.
    pub(crate) async fn ready(&self) -> Result<(), Failed> {
        for node in 0..self.pools.settings.places.len() {
            self.send(node, &[Request::get("ready")]).await?;
        }
        Ok(())
    }

    pub(crate) fn retries<'k>(&self, name: &'k str) -> Retries<'k> {
        Retries::of(name).until(self.deadline())
    }
}

impl Store for Memcached {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.now()?.see(key).await?.value)
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let asking = self.now()?;
        let new_end = ttl.map(|ttl| lives(Some(ttl)));
        if let (None, Some(new)) = (expected, new)
            && asking.add(key, new, new_end.unwrap_or_default()).await?
        {
            return Ok(true);
        }
        let mut retries = asking.retries(key);
        loop {
            let seen = asking.see(key).await?;
            if seen.value.as_deref() != expected {
                return Ok(false);
            }
            let swapped = match new {
                Some(new) => asking.replace(key, &seen, new, new_end).await?,
                None => asking.remove(key, &seen).await?,
            };
            if swapped {
                return Ok(true);
            }
            retries.again().await?;
        }
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        let lives = lives(ttl);
        self.now()?.ask(Request::set(key, value, lives)).await?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<bool, Error> {
        let asking = self.now()?;
        let mut retries = asking.retries(key);
        loop {
            let seen = asking.see(key).await?;
            if seen.value.is_none() {
                return Ok(false);
            }
            if asking.remove(key, &seen).await? {
                return Ok(true);
            }
            retries.again().await?;
        }
    }

    async fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
        let asking = self.now()?;
        if let Some(sum) = asking.add_to(key, by).await? {
            return Ok(sum);
        }
        let mut retries = asking.retries(key);
        loop {
            let seen = asking.see(key).await?;
            let sum = sum(key, seen.value.as_deref(), by)?;
            let begins = seen.value.is_none().then(|| lives(ttl));
            if asking
                .replace(key, &seen, sum.to_string().as_bytes(), begins)
                .await?
            {
                return Ok(sum);
            }
            retries.again().await?;
        }
    }

    async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        let asking = self.now()?;
        let mut retries = asking.retries(key);
        loop {
            let seen = asking.see(key).await?;
            let Some(value) = &seen.value else {
                return Ok(false);
            };
            if asking
                .replace(key, &seen, value, Some(lives(Some(ttl))))
                .await?
            {
                return Ok(true);
            }
            retries.again().await?;
        }
    }

    async fn multi_get(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let requests = keys.iter().map(|key| Request::get(key)).collect();
        let replies = self.now()?.ask_all(requests).await?;
        let values = replies.into_iter().map(|reply| Seen::of(reply).value);
        Ok(values.collect())
    }

    async fn multi_set(
        &self,
        entries: &[(String, &[u8])],
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let lives = lives(ttl);
        let set = entries
            .iter()
            .map(|(key, value)| Request::set(key, value, lives));
        self.now()?.ask_all(set.collect()).await?;
        Ok(())
    }

    async fn clear(&self, _: &str) -> Result<(), Error> {
        let asking = self.now()?;
        let generations = self.generations.as_ref();
        let generations = generations.ok_or(Error::Unsupported { operation: "clear" })?;
        Ok(generations.clear(&asking).await?)
    }

    async fn ready(&self) -> Result<(), Error> {
        Ok(self.now()?.ready().await?)
    }

    async fn close(&self) -> Result<(), Error> {
        self.pools()?.close();
        Ok(())
    }
}
