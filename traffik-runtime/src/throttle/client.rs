//! Who a request comes from, written into a key.

use std::net::{IpAddr, SocketAddr};

use axum::extract::connect_info::MockConnectInfo;
use axum::extract::{ConnectInfo, MatchedPath};
use http::request::Parts;

use super::scope::Scope;
use crate::backend::key::Key;
use crate::error::Error;
use crate::identity::{Client, ClientKey};

/// IPv6 clients are told apart by this many bytes of their address: a /64, what one subscriber is given.
const IPV6_PREFIX: usize = 8;

/// What kind of thing a part of a key is; kinds never meet.
mod kind {
    pub(super) const NAMED: u8 = 1;
    pub(super) const HEADER: u8 = 2;
    pub(super) const IP: u8 = 3;
    pub(super) const IP_WITHOUT_HEADER: u8 = 4;
    pub(super) const ADDRESS: u8 = 5;
    pub(super) const EVERYONE: u8 = 6;
    pub(super) const METHOD: u8 = 7;
    pub(super) const ROUTE: u8 = 8;
    pub(super) const UNMATCHED: u8 = 9;
    pub(super) const SEGMENT: u8 = 10;
}

/// The key of a client of what this is the key of.
#[inline]
pub(super) fn join_client(
    key: Key,
    client: &Client,
    parts: Option<&Parts>,
    uid: &str,
) -> Result<Key, Error> {
    Ok(match &client.key {
        ClientKey::Named(name) => key.join(kind::NAMED, name),
        ClientKey::Header(value) => key.join(kind::HEADER, value),
        ClientKey::Ip => key.join_address(kind::IP, address(parts, uid)?),
        ClientKey::IpWithoutHeader => {
            key.join_address(kind::IP_WITHOUT_HEADER, address(parts, uid)?)
        }
        ClientKey::Address(address) => key.join_address(kind::ADDRESS, *address),
        ClientKey::Everyone => key.join(kind::EVERYONE, &[]),
    })
}

/// The key of what splits a throttle's budget beyond its clients.
#[inline]
pub(super) fn join_scope(key: Key, scope: &Scope, parts: Option<&Parts>) -> Key {
    match scope {
        Scope::Throttle => key,
        Scope::Route => {
            let method = parts.map_or("", |parts| parts.method.as_str());
            let key = key.join(kind::METHOD, method.as_bytes());
            match parts.and_then(|parts| parts.extensions.get::<MatchedPath>()) {
                Some(route) => key.join(kind::ROUTE, route.as_str().as_bytes()),
                None => key.join(kind::UNMATCHED, &[]),
            }
        }
        Scope::Segment(segment) => key.join(kind::SEGMENT, segment.as_bytes()),
    }
}

fn address(parts: Option<&Parts>, uid: &str) -> Result<IpAddr, Error> {
    let Some(parts) = parts else {
        let message = "`Identity::ip()` needs a request; name the client with `Identity::new(…)`";
        return Err(Error::configuration(uid, message));
    };
    let peer = peer(parts).ok_or_else(|| Error::NoClientAddress {
        uid: uid.to_owned(),
    })?;
    Ok(masked(peer.ip().to_canonical()))
}

/// The address at the other end of the connection, as axum tells it.
fn peer(parts: &Parts) -> Option<SocketAddr> {
    let extensions = &parts.extensions;
    let real = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0);
    real.or_else(|| {
        extensions
            .get::<MockConnectInfo<SocketAddr>>()
            .map(|info| info.0)
    })
}

fn masked(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            octets[IPV6_PREFIX..].fill(0);
            IpAddr::from(octets)
        }
    }
}
