//! Who a request comes from, written into a key.

use std::net::{IpAddr, SocketAddr};

use axum::extract::connect_info::MockConnectInfo;
use axum::extract::{ConnectInfo, MatchedPath};
use http::request::Parts;

use crate::backend::key::KeyHasher;
use crate::error::Error;
use crate::identity::{Client, ClientKey};
use crate::throttle::Scope;

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

/// Writes the client into a throttle's key.
#[inline]
pub(crate) fn write_client(
    hasher: &mut KeyHasher,
    client: &Client,
    parts: Option<&Parts>,
    uid: &str,
) -> Result<(), Error> {
    match &client.key {
        ClientKey::Named(name) => hasher.part(kind::NAMED, name),
        ClientKey::Header(value) => hasher.part(kind::HEADER, value),
        ClientKey::Ip => hasher.address(kind::IP, address(parts, uid)?),
        ClientKey::IpWithoutHeader => hasher.address(kind::IP_WITHOUT_HEADER, address(parts, uid)?),
        ClientKey::Address(address) => hasher.address(kind::ADDRESS, *address),
        ClientKey::Everyone => hasher.part(kind::EVERYONE, &[]),
    }
    Ok(())
}

/// Writes what splits a throttle's budget beyond its clients.
#[inline]
pub(crate) fn write_scope(hasher: &mut KeyHasher, scope: &Scope, parts: Option<&Parts>) {
    match scope {
        Scope::Throttle => {}
        Scope::Route => {
            let method = parts.map_or("", |parts| parts.method.as_str());
            hasher.part(kind::METHOD, method.as_bytes());
            match parts.and_then(|parts| parts.extensions.get::<MatchedPath>()) {
                Some(route) => hasher.part(kind::ROUTE, route.as_str().as_bytes()),
                None => hasher.part(kind::UNMATCHED, &[]),
            }
        }
        Scope::Segment(segment) => hasher.part(kind::SEGMENT, segment.as_bytes()),
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
