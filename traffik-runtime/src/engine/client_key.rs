//! The client and the scope of a request, written into a key or a name.

use std::fmt::Write as _;
use std::net::IpAddr;

use axum::extract::MatchedPath;
use http::Method;
use http::request::Parts;

use crate::client_ip::peer::PeerAddr;
use crate::client_ip::resolve::ClientIp;
use crate::error::Error;
use crate::identity::{Client, ClientKey};
use crate::scope::Scope;
use crate::store::key::Key;
use crate::store::key_encoding::encoded;

/// The kinds of parts of a key. Parts of different kinds never collide.
mod kind {
    pub(crate) const NAMED: u8 = 1;
    pub(crate) const HEADER: u8 = 2;
    pub(crate) const IP: u8 = 3;
    pub(crate) const IP_WITHOUT_HEADER: u8 = 4;
    pub(crate) const ADDRESS: u8 = 5;
    pub(crate) const EVERYONE: u8 = 6;
    pub(crate) const METHOD: u8 = 7;
    pub(crate) const ROUTE: u8 = 8;
    pub(crate) const UNMATCHED: u8 = 9;
    pub(crate) const SEGMENT: u8 = 10;
    pub(crate) const NO_ADDRESS: u8 = 11;
    pub(crate) const BOTH: u8 = 12;

    pub(crate) const fn word(kind: u8) -> &'static str {
        match kind {
            NAMED => "id",
            HEADER => "header",
            IP => "ip",
            IP_WITHOUT_HEADER => "no-header",
            ADDRESS => "address",
            EVERYONE => "everyone",
            METHOD => "method",
            ROUTE => "route",
            UNMATCHED => "unmatched",
            NO_ADDRESS => "no-address",
            BOTH => "both",
            _ => "segment",
        }
    }
}

/// A key that parts are joined to: the hash that the memory backend uses, or the name that a shared
/// store uses.
pub(crate) trait Join: Sized {
    fn join(self, kind: u8, bytes: &[u8]) -> Self;

    fn join_address(self, kind: u8, address: IpAddr) -> Self;

    /// Joins all that `join` joins to a key, as one part.
    fn join_nested(
        self,
        kind: u8,
        join: impl FnOnce(Self) -> Result<Self, Error>,
    ) -> Result<Self, Error>;
}

impl Join for Key {
    #[inline(always)]
    fn join(self, kind: u8, bytes: &[u8]) -> Self {
        self.join(kind, bytes)
    }

    #[inline]
    fn join_address(self, kind: u8, address: IpAddr) -> Self {
        self.join_address(kind, address)
    }

    fn join_nested(
        self,
        kind: u8,
        join: impl FnOnce(Self) -> Result<Self, Error>,
    ) -> Result<Self, Error> {
        join(self.join(kind, &[]))
    }
}

/// Parts separated by colons, each with a word for its kind. No part contains a colon.
#[derive(Debug, Default)]
pub(crate) struct Name(pub(crate) String);

impl Join for Name {
    fn join(mut self, kind: u8, bytes: &[u8]) -> Self {
        // Writing to a `String` cannot fail.
        let _ = write!(self.0, ":{}:{}", kind::word(kind), encoded(bytes));
        self
    }

    fn join_address(self, kind: u8, address: IpAddr) -> Self {
        self.join(kind, address.to_string().as_bytes())
    }

    /// The nested parts are encoded as one, which bounds their length.
    fn join_nested(
        self,
        kind: u8,
        join: impl FnOnce(Self) -> Result<Self, Error>,
    ) -> Result<Self, Error> {
        let nested = join(Self::default())?;
        Ok(self.join(kind, nested.0.as_bytes()))
    }
}

/// Joins a client to a key. The address is only computed if the client is counted by it.
#[inline(always)]
pub(crate) fn join_client<K: Join>(
    key: K,
    client: &Client,
    address: impl Fn() -> Result<IpAddr, Error>,
) -> Result<K, Error> {
    join_client_key(key, &client.key, address)
}

#[inline(always)]
fn join_client_key<K: Join>(
    key: K,
    client: &ClientKey,
    address: impl Fn() -> Result<IpAddr, Error>,
) -> Result<K, Error> {
    let (kind, bytes): (_, &[u8]) = match client {
        ClientKey::Both(keys) => return join_both(key, keys, &address),
        ClientKey::Named(name) => (kind::NAMED, name),
        ClientKey::Header(value) => (kind::HEADER, value),
        ClientKey::Everyone => (kind::EVERYONE, &[]),
        ClientKey::Ip => return Ok(key.join_address(kind::IP, address()?)),
        ClientKey::IpOr(name) => {
            // The only possible error is a missing address.
            return Ok(match address() {
                Ok(address) => key.join_address(kind::IP, address),
                Err(_) => key.join(kind::NO_ADDRESS, name),
            });
        }
        ClientKey::IpWithoutHeader => {
            return Ok(key.join_address(kind::IP_WITHOUT_HEADER, address()?));
        }
        ClientKey::Address(address) => return Ok(key.join_address(kind::ADDRESS, *address)),
    };
    Ok(key.join(kind, bytes))
}

/// Joins two keys of one client, as one part.
#[inline(never)]
fn join_both<K: Join>(
    key: K,
    [first, second]: &[ClientKey; 2],
    address: &dyn Fn() -> Result<IpAddr, Error>,
) -> Result<K, Error> {
    key.join_nested(kind::BOTH, |key| {
        let key = join_client_key(key, first, address)?;
        join_client_key(key, second, address)
    })
}

/// Joins a scope to a key.
#[inline]
pub(crate) fn join_scope<K: Join>(key: K, scope: &Scope, parts: Option<&Parts>) -> K {
    match scope {
        Scope::Throttle => key,
        narrow => join_narrow_scope(key, narrow, parts),
    }
}

fn join_narrow_scope<K: Join>(key: K, scope: &Scope, parts: Option<&Parts>) -> K {
    match scope {
        Scope::Throttle => key,
        Scope::Route => {
            let method = parts.map_or("", |parts| method_word(&parts.method));
            let key = key.join(kind::METHOD, method.as_bytes());
            match parts.and_then(|parts| parts.extensions.get::<MatchedPath>()) {
                Some(route) => key.join(kind::ROUTE, route.as_str().as_bytes()),
                None => key.join(kind::UNMATCHED, &[]),
            }
        }
        Scope::Segment(segment) => key.join(kind::SEGMENT, segment.as_bytes()),
    }
}

/// Returns the word for a method in a key. Clients may invent methods, so only the nine registered
/// ones have budgets of their own, and all others share one. `HEAD` counts as `GET`, whose handler
/// answers it.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET | Method::HEAD => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}

/// Returns the address of the request's client.
///
/// # Errors
///
/// There is no request, or the request has no address.
pub(crate) fn address(
    parts: Option<&Parts>,
    client_ip: &ClientIp,
    uid: &str,
) -> Result<IpAddr, Error> {
    let Some(parts) = parts else {
        let message = "`Identity::ip()` needs a request; name the client with `Identity::new(…)`";
        return Err(Error::configuration(uid, message));
    };
    let peer = PeerAddr::of(&parts.extensions).ok_or_else(|| Error::NoClientAddress {
        uid: uid.to_owned(),
    })?;
    let address = client_ip.watched(peer, &parts.headers);
    address.ok_or_else(|| Error::UnixPeer {
        uid: uid.to_owned(),
        header: client_ip.field().filter(|_| client_ip.trusts_unix()),
    })
}
