//! Who is asking: the [`Identity`] that tells one client's budget from another's.

use std::net::IpAddr;

use serde::Serialize;
use smallvec::SmallVec;

pub(crate) mod display;

/// Who a request is counted for, or that it is not counted at all.
///
/// Two requests share a budget when their keys are equal, byte for byte and of the same kind: a client cannot take
/// another's place by naming itself like an address. Tier and priority come from the application, never out of the key.
///
/// ```
/// use traffik::{Identity, Priority};
///
/// let user = Identity::new(format!("user:{}", 7)).tier("premium").priority(Priority::High);
/// assert_ne!(user, Identity::Exempt);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identity {
    /// Not limited: the request is admitted and touches no backend.
    Exempt,
    /// Limited as this client.
    Client(Client),
}

/// A client: its key, and what a strategy may want to know of it.
///
/// In this order, so that all that most decisions look at, the key and whether there is a client at all, is on one line of
/// the processor's cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Client {
    pub(crate) priority: Priority,
    pub(crate) key: ClientKey,
    pub(crate) tier: Option<Box<str>>,
}

/// What tells clients apart. Kinds never meet: each is written with a tag of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientKey {
    /// Named by the application.
    Named(Name),
    /// The value of a header the application chose.
    Header(Name),
    /// The address of the request's client, found when the throttle decides.
    Ip,
    /// The address of the request's client, or one client of this name for all requests without one.
    IpOr(Name),
    /// The same for a request that lacks the header it should be known by.
    IpWithoutHeader,
    /// A known address.
    Address(IpAddr),
    /// One budget for all.
    Everyone,
}

/// A name; short ones are kept in place.
pub(crate) type Name = SmallVec<[u8; 24]>;

/// How much a request matters, for strategies that keep a reserve for those that matter more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// The first to be refused.
    Low,
    /// What a request is unless the application says otherwise.
    #[default]
    Normal,
    /// Refused after normal ones.
    High,
    /// The last to be refused.
    Critical,
}

impl Identity {
    /// A client with a name of the application's choice: any bytes, of any length.
    pub fn new(key: impl AsRef<[u8]>) -> Self {
        Self::of(ClientKey::Named(Name::from_slice(key.as_ref())))
    }

    /// The client's address, as the deciding throttle's backend resolves it; an error where there is none.
    pub const fn ip() -> Self {
        Self::of(ClientKey::Ip)
    }

    /// The client's address, as [`ip`](Self::ip) finds it, or one client of this name for all requests that have no address
    /// at all: the application was served without connect info, or the peer of a Unix socket told of no client.
    ///
    /// A client of the application's own with that name, [`Identity::new`], has another budget.
    ///
    /// ```
    /// use http::request::Parts;
    /// use traffik::Identity;
    ///
    /// fn user(parts: &Parts) -> Identity {
    ///     let user = parts.headers.get("x-user");
    ///     user.map_or_else(|| Identity::ip_or("anonymous"), Identity::new)
    /// }
    /// ```
    pub fn ip_or(name: impl AsRef<[u8]>) -> Self {
        Self::of(ClientKey::IpOr(Name::from_slice(name.as_ref())))
    }

    /// One budget for all clients together.
    pub const fn everyone() -> Self {
        Self::of(ClientKey::Everyone)
    }

    /// The tier this client is in, for strategies that know tiers; an exempt identity stays exempt.
    pub fn tier(self, tier: impl Into<String>) -> Self {
        self.with(|client| client.tier = Some(tier.into().into_boxed_str()))
    }

    /// How much this client's requests matter; an exempt identity stays exempt.
    pub fn priority(self, priority: Priority) -> Self {
        self.with(|client| client.priority = priority)
    }

    /// A client known by the value of a header, or, without one, by its address as a kind of key of its own.
    #[cfg_attr(
        not(feature = "engine"),
        expect(dead_code, reason = "only the HTTP adapter knows headers")
    )]
    pub(crate) fn of_header(value: Option<&[u8]>) -> Self {
        match value {
            Some(value) if !value.is_empty() => {
                Self::of(ClientKey::Header(Name::from_slice(value)))
            }
            _ => Self::of(ClientKey::IpWithoutHeader),
        }
    }

    const fn of(key: ClientKey) -> Self {
        Self::Client(Client {
            key,
            tier: None,
            priority: Priority::Normal,
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Client)) -> Self {
        if let Self::Client(client) = &mut self {
            change(client);
        }
        self
    }
}

impl From<&str> for Identity {
    fn from(key: &str) -> Self {
        Self::new(key)
    }
}

impl From<String> for Identity {
    fn from(key: String) -> Self {
        Self::new(key)
    }
}

impl From<&String> for Identity {
    fn from(key: &String) -> Self {
        Self::new(key)
    }
}

impl From<u64> for Identity {
    fn from(key: u64) -> Self {
        Self::new(key.to_string())
    }
}

impl From<&u64> for Identity {
    fn from(key: &u64) -> Self {
        Self::from(*key)
    }
}

impl From<IpAddr> for Identity {
    /// The whole address; IPv4-mapped IPv6 addresses are the IPv4 address they carry.
    fn from(address: IpAddr) -> Self {
        Self::of(ClientKey::Address(address.to_canonical()))
    }
}
