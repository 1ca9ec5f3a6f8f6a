//! The addresses of Memcached servers.

use std::fmt;
use std::path::PathBuf;

/// The default port.
const PORT: u16 = 11211;

/// One Memcached server or several, for [`Backend::memcached`](crate::backend::Backend::memcached):
/// a text with commas between the servers, or a list of texts.
///
/// | text | server |
/// |---|---|
/// | `127.0.0.1:11211`, `cache.example`, `tcp://cache.example:11211` | by name or IPv4 address; the default port is 11211 |
/// | `[::1]:11211`, `tcp://[::1]` | by IPv6 address |
/// | `tls://cache.example:11211` | with TLS, by name or address; needs the feature `memcached-rustls` |
/// | `unix:///run/memcached.sock` | by a Unix socket |
#[derive(Clone)]
pub struct MemcachedNodes(Vec<String>);

impl fmt::Debug for MemcachedNodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.0.iter().map(|node| without_user(node));
        f.debug_tuple("MemcachedNodes")
            .field(&nodes.collect::<Vec<_>>())
            .finish()
    }
}

/// Removes the text before the host, which may be a password.
fn without_user(node: &str) -> &str {
    node.rsplit_once('@').map_or(node, |(_, host)| host)
}

impl From<&str> for MemcachedNodes {
    fn from(nodes: &str) -> Self {
        Self(nodes.split(',').map(str::to_owned).collect())
    }
}

impl From<String> for MemcachedNodes {
    fn from(nodes: String) -> Self {
        Self::from(&*nodes)
    }
}

impl From<&String> for MemcachedNodes {
    fn from(nodes: &String) -> Self {
        Self::from(&**nodes)
    }
}

impl<S: AsRef<str>> From<&[S]> for MemcachedNodes {
    fn from(nodes: &[S]) -> Self {
        let nodes = nodes.iter().flat_map(|node| Self::from(node.as_ref()).0);
        Self(nodes.collect())
    }
}

impl<S: AsRef<str>> From<Vec<S>> for MemcachedNodes {
    fn from(nodes: Vec<S>) -> Self {
        Self::from(&*nodes)
    }
}

impl<S: AsRef<str>, const N: usize> From<[S; N]> for MemcachedNodes {
    fn from(nodes: [S; N]) -> Self {
        Self::from(&nodes[..])
    }
}

/// The address of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(String, u16),
    Tls(String, u16),
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Without the scheme, so that processes with and without TLS choose one server.
            Self::Tcp(host, port) | Self::Tls(host, port) if host.contains(':') => {
                write!(f, "[{host}]:{port}")
            }
            Self::Tcp(host, port) | Self::Tls(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// Parses the addresses of all servers.
///
/// # Errors
///
/// A message about the first malformed address, with a correct example.
pub(crate) fn parse(nodes: &MemcachedNodes) -> Result<Vec<Address>, String> {
    let mut addresses: Vec<Address> = Vec::with_capacity(nodes.0.len());
    for node in &nodes.0 {
        let address = address(node.trim()).ok_or_else(|| malformed(node))?;
        let name = address.to_string();
        if addresses.iter().any(|other| other.to_string() == name) {
            return Err(format!("`{address}` is listed twice; remove one"));
        }
        addresses.push(address);
    }
    if addresses.is_empty() {
        return Err("there is no server address; write one such as `127.0.0.1:11211`".to_owned());
    }
    Ok(addresses)
}

/// Returns the message about a malformed address, which repeats no password.
fn malformed(node: &str) -> String {
    if node.contains('@') {
        return "a server address cannot contain a user or a password; use `.auth(user, password)`"
            .to_owned();
    }
    let line: String = node
        .trim()
        .chars()
        .take_while(|c| *c != '\n')
        .take(100)
        .collect();
    format!(
        "`{line}` is not a server address; write one such as `127.0.0.1:11211`, `[::1]:11211` or \
         `unix:///run/memcached.sock`"
    )
}

/// Parses one address.
fn address(node: &str) -> Option<Address> {
    if let Some(path) = node.strip_prefix("unix://") {
        let absolute = path.len() > 1 && path.starts_with('/');
        return absolute.then(|| Address::Unix(path.into()));
    }
    if let Some(node) = node.strip_prefix("tls://") {
        return match address(&format!("tcp://{node}"))? {
            Address::Tcp(host, port) => Some(Address::Tls(host, port)),
            other => Some(other),
        };
    }
    let node = node.strip_prefix("tcp://").unwrap_or(node);
    if node.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(Address::Tcp(node.to_owned(), PORT));
    }
    if let Some(rest) = node.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        let port = match port {
            "" => PORT,
            port => number(port.strip_prefix(':')?)?,
        };
        return Some(Address::Tcp(host.to_ascii_lowercase(), port));
    }
    let (host, port) = match node.split_once(':') {
        Some((host, port)) => (host, number(port)?),
        None => (node, PORT),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = !host.is_empty() && host.chars().all(is_name);
    is_name.then(|| Address::Tcp(host.to_ascii_lowercase(), port))
}

/// Parses a port. Only digits are accepted.
fn number(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| digits && *port > 0)
}

#[cfg(test)]
mod tests {
    use super::{Address, MemcachedNodes, parse};

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(host.to_owned(), port)
    }

    #[test]
    fn parses_names_addresses_and_sockets() {
        let nodes =
            "127.0.0.1:11211, tcp://Cache.example,tcp://[::1]:7,::1,[fe80::1],unix:///run/mc.sock";
        let expected = [
            tcp("127.0.0.1", 11211),
            tcp("cache.example", 11211),
            tcp("::1", 7),
            tcp("::1", 11211),
            tcp("fe80::1", 11211),
            Address::Unix("/run/mc.sock".into()),
        ];
        assert_eq!(parse(&nodes.into()).unwrap(), expected);
        let tls = "tls://Cache.example, tls://[::1]:7";
        let expected = [
            Address::Tls("cache.example".to_owned(), 11211),
            Address::Tls("::1".to_owned(), 7),
        ];
        assert_eq!(parse(&tls.into()).unwrap(), expected);
        let list = vec!["a:1,b:2", "c"];
        let expected = [tcp("a", 1), tcp("b", 2), tcp("c", 11211)];
        assert_eq!(parse(&list.into()).unwrap(), expected);
    }

    #[test]
    fn refuses_malformed_names() {
        for nodes in [
            "",
            ",",
            "a,",
            "a b",
            "a:",
            "a:x",
            "a:0",
            "a:99999",
            "a:+1",
            "http://a",
            "tcp://",
            "unix://",
            "unix://relative",
            "[::1",
            "[::1]x",
            "[a]:1",
            "user@a",
            "tls://",
            "tls://unix:///a",
            "tls://tls://a",
            "a,tls://a:11211",
            "a/b",
            "a\r\nb",
            "a,a:11211",
        ] {
            assert!(parse(&nodes.into()).is_err(), "{nodes}");
        }
        assert!(parse(&MemcachedNodes::from(Vec::<String>::new())).is_err());
    }

    #[test]
    fn never_prints_a_password() {
        let nodes = MemcachedNodes::from("user:hunter2@a");
        assert!(!format!("{nodes:?}").contains("hunter2"));
        assert!(!parse(&nodes).unwrap_err().contains("hunter2"));
    }
}
