//! The [`Identity`] of a client, which tells one client's budget from another's.

use std::net::IpAddr;

use serde::Serialize;
use smallvec::SmallVec;

pub(crate) mod display;

/// The client that a request is counted for, or none at all.
///
/// Two requests share a budget if their keys are equal, byte by byte and of one kind: a client
/// cannot use the budget of an address by naming itself like it. Tier and priority are set by the
/// application, and never derived from the key.
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
    /// No client: the request is admitted without a backend.
    Exempt,
    /// This client.
    Client(Client),
}

/// A client: its key, and the properties that strategies use.
///
/// The order of the fields puts everything that most decisions read, the key and the tag of the
/// identity, on one line of the processor's cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Client {
    pub(crate) priority: Priority,
    pub(crate) key: ClientKey,
    pub(crate) tier: Option<Box<str>>,
}

/// A client's key. Keys of different kinds never collide: each kind is encoded with its own tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientKey {
    /// Named by the application.
    Named(Name),
    /// The value of a header the application chose.
    Header(Name),
    /// The address of the request's client, which is resolved when the throttle decides.
    Ip,
    /// The address of the request's client, or one client of this name for all requests without an
    /// address.
    IpOr(Name),
    /// The address of the request's client, for a request without the header that identifies
    /// clients.
    IpWithoutHeader,
    /// A fixed address.
    Address(IpAddr),
    /// One budget for all.
    Everyone,
    /// Both together.
    Both(Box<[ClientKey; 2]>),
}

/// A name. Short names are stored inline.
pub(crate) type Name = SmallVec<[u8; 24]>;

/// The importance of a request, for strategies that reserve room for more important ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// The first to be refused.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Refused after normal ones.
    High,
    /// The last to be refused.
    Critical,
}

impl Identity {
    /// Makes a client with a name that the application chooses: any bytes, of any length.
    pub fn new(key: impl AsRef<[u8]>) -> Self {
        Self::of(ClientKey::Named(Name::from_slice(key.as_ref())))
    }

    /// Makes a client of the request's address, which the backend of the deciding throttle
    /// resolves. A request without an address is an error.
    pub const fn ip() -> Self {
        Self::of(ClientKey::Ip)
    }

    /// Makes a client of the request's address, like [`ip`](Self::ip), or one client of this name
    /// for all requests without an address: the application was served without connect info, or the
    /// peer of a Unix socket reported no client.
    ///
    /// A client with this name made by [`Identity::new`] has another budget.
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

    /// Makes one client of all clients.
    pub const fn everyone() -> Self {
        Self::of(ClientKey::Everyone)
    }

    /// Joins two clients into one, whose budget is neither's: an address and the name that it tries
    /// to log in as, say, so that nobody can lock others out of their accounts.
    ///
    /// The order matters, and so do the kinds of both keys. Tier and priority are the first
    /// client's; where it has no tier, the tier is the other's. With an exempt identity the result
    /// is exempt.
    ///
    /// ```
    /// use traffik::Identity;
    ///
    /// let attempt = Identity::ip().and("ada@example.org");
    /// assert_eq!(attempt.to_string(), "ip, ada@example.org");
    /// assert_ne!(attempt, Identity::ip());
    /// ```
    pub fn and(self, other: impl Into<Self>) -> Self {
        match (self, other.into()) {
            (Self::Client(first), Self::Client(other)) => Self::Client(Client {
                key: ClientKey::Both(Box::new([first.key, other.key])),
                tier: first.tier.or(other.tier),
                priority: first.priority,
            }),
            _ => Self::Exempt,
        }
    }

    /// Sets the client's tier, for strategies with tiers. An exempt identity stays exempt.
    pub fn tier(self, tier: impl Into<String>) -> Self {
        self.with(|client| client.tier = Some(tier.into().into_boxed_str()))
    }

    /// Sets the importance of the client's requests. An exempt identity stays exempt.
    pub fn priority(self, priority: Priority) -> Self {
        self.with(|client| client.priority = priority)
    }

    /// Makes a client of a header's value or, without one, of the request's address as a key of its
    /// own kind.
    #[cfg_attr(
        not(feature = "engine"),
        expect(dead_code, reason = "only the HTTP adapter reads headers")
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
    /// Makes a client of the whole address. An IPv4-mapped IPv6 address becomes the IPv4 address.
    fn from(address: IpAddr) -> Self {
        Self::of(ClientKey::Address(address.to_canonical()))
    }
}
