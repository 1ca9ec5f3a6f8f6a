//! Parses the URLs of Redis servers; `urls.md` describes their forms.

#[cfg(feature = "redis-sentinel")]
use percent_encoding::percent_decode_str;
use redis::ConnectionInfo;

use crate::store::redis::url_parameters::Parameters;

/// The parts of a URL.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) topology: Topology,
    pub(crate) parameters: Parameters,
}

/// The kind of installation that a URL names, with its servers.
#[derive(Clone, Debug)]
pub(crate) enum Topology {
    One(ConnectionInfo),
    #[cfg(feature = "redis-cluster")]
    Cluster(Vec<ConnectionInfo>),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(Sentinel),
}

/// A primary behind Sentinels.
#[cfg(feature = "redis-sentinel")]
#[derive(Clone, Debug)]
pub(crate) struct Sentinel {
    pub(crate) sentinels: Vec<ConnectionInfo>,
    pub(crate) master: String,
    /// The settings of connections to the primary, whose address is still unknown.
    pub(crate) primary: ConnectionInfo,
}

/// The parts of a URL with several hosts.
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
struct HostList<'a> {
    /// The scheme of the URL of one host.
    scheme: &'a str,
    /// The user and password with the `@`, or an empty string.
    user: &'a str,
    hosts: Vec<&'a str>,
    /// The path without the leading slash.
    path: &'a str,
    /// The query with the `?`, or an empty string.
    query: &'a str,
}

/// Parses a URL. The error repeats none of it, because it may contain a password.
pub(crate) fn parse(url: &str) -> Result<Target, String> {
    let (url, parameters) = Parameters::split_off(url)?;
    let topology = topology(&url)?;
    Ok(Target {
        topology,
        parameters,
    })
}

/// Parses a URL without this crate's parameters.
fn topology(url: &str) -> Result<Topology, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (scheme, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
    let single = match scheme {
        "redis" | "valkey" => "redis",
        "rediss" | "valkeys" => "rediss",
        _ => return info(url).map(Topology::One),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    match kind {
        "cluster" => cluster(single, rest),
        "sentinel" => sentinel(single, rest),
        "" if hosts.contains(',') => Err("the URL names several hosts; write \
             `redis+cluster://` for a Cluster, `redis+sentinel://` for Sentinels"
            .to_owned()),
        _ => info(url).map(Topology::One),
    }
}

#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
impl<'a> HostList<'a> {
    fn new(scheme: &'a str, rest: &'a str) -> Self {
        let (rest, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        Self {
            scheme,
            user,
            hosts: hosts.split(',').collect(),
            path,
            query,
        }
    }

    /// Returns the URL of one of the hosts.
    fn url(&self, user: &str, host: &str, path: &str) -> String {
        let Self { scheme, query, .. } = self;
        format!("{scheme}://{user}{host}/{path}{query}")
    }
}

/// Parses the URL of one server.
fn info(url: &str) -> Result<ConnectionInfo, String> {
    let wants_tls = ["rediss:", "valkeys:"]
        .iter()
        .any(|tls| url.starts_with(tls));
    if wants_tls && !cfg!(any(feature = "redis-native-tls", feature = "redis-rustls")) {
        return Err(
            "the URL has TLS; enable the feature `redis-rustls` or `redis-native-tls`".to_owned(),
        );
    }
    let malformed = |error: redis::RedisError| {
        format!("the URL is malformed ({error}); write one such as `redis://127.0.0.1:6379/0`")
    };
    redis::IntoConnectionInfo::into_connection_info(url).map_err(malformed)
}

#[cfg(feature = "redis-cluster")]
fn cluster(scheme: &str, rest: &str) -> Result<Topology, String> {
    let url = HostList::new(scheme, rest);
    if !url.path.is_empty() {
        return Err("a Cluster has no databases; remove the path from the URL".to_owned());
    }
    let nodes = url
        .hosts
        .iter()
        .map(|host| info(&url.url(url.user, host, "")));
    nodes.collect::<Result<_, _>>().map(Topology::Cluster)
}

#[cfg(not(feature = "redis-cluster"))]
fn cluster(_: &str, _: &str) -> Result<Topology, String> {
    Err("the URL names a Cluster; enable the feature `redis-cluster`".to_owned())
}

#[cfg(feature = "redis-sentinel")]
fn sentinel(scheme: &str, rest: &str) -> Result<Topology, String> {
    let url = HostList::new(scheme, rest);
    let (master, db) = url.path.split_once('/').unwrap_or((url.path, ""));
    if master.is_empty() {
        return Err(
            "the URL does not name the master of the Sentinels; write one such as \
             `redis+sentinel://host:26379/mymaster`"
                .to_owned(),
        );
    }
    let master = percent_decode_str(master)
        .decode_utf8()
        .map_err(|_| "the name of the master in the URL is not UTF-8".to_owned())?;
    let sentinels = url.hosts.iter().map(|host| {
        let host = with_port(host);
        info(&url.url("", &host, ""))
    });
    Ok(Topology::Sentinel(Sentinel {
        sentinels: sentinels.collect::<Result<_, _>>()?,
        master: master.into_owned(),
        primary: info(&url.url(url.user, "primary", db))?,
    }))
}

#[cfg(not(feature = "redis-sentinel"))]
fn sentinel(_: &str, _: &str) -> Result<Topology, String> {
    Err("the URL names Sentinels; enable the feature `redis-sentinel`".to_owned())
}

/// Adds the default port of Sentinels to a host without a port.
#[cfg(feature = "redis-sentinel")]
fn with_port(host: &str) -> String {
    let after_address = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    if after_address.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:26379")
    }
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
