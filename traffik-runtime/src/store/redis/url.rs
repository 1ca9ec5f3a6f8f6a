//! Parses the URLs of Redis servers; `urls.md` describes their forms.

use percent_encoding::percent_decode_str;
use redis::ConnectionInfo;

use crate::store::tls::Tls;

/// The parts of a URL.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) parameters: Parameters,
}

/// Parameters of a URL's query that the `redis` crate does not know.
#[derive(Default)]
pub(crate) struct Parameters {
    /// The path of a file in PEM, as in the next two fields.
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
}

/// A user and a password.
#[cfg_attr(
    not(feature = "redis-sentinel"),
    expect(dead_code, reason = "only Sentinels have a password of their own")
)]
pub(crate) struct Credentials {
    /// Empty for a password without a user.
    pub(crate) user: String,
    pub(crate) password: String,
}

/// The servers of a URL.
#[derive(Clone, Debug)]
pub(crate) enum Place {
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
    let place = place(&url)?;
    Ok(Target { place, parameters })
}

impl Parameters {
    /// Removes these parameters from a URL.
    fn split_off(url: &str) -> Result<(String, Self), String> {
        let mut parameters = Self::default();
        let (url, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
        let Some((url, query)) = url.split_once('?') else {
            return Ok((format!("{url}{fragment}"), parameters));
        };
        let mut others = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let parameter = match name {
                "ca" => &mut parameters.ca,
                "cert" => &mut parameters.cert,
                "key" => &mut parameters.key,
                "sentinel_user" => &mut parameters.sentinel_user,
                "sentinel_password" => &mut parameters.sentinel_password,
                _ => {
                    others.push(pair);
                    continue;
                }
            };
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| format!("`{name}` in its URL is not UTF-8"))?;
            if value.is_empty() || parameter.replace(value.into_owned()).is_some() {
                return Err(format!("write `{name}=…` in its URL once, with a value"));
            }
        }
        let mark = if others.is_empty() { "" } else { "?" };
        let query = others.join("&");
        Ok((format!("{url}{mark}{query}{fragment}"), parameters))
    }

    /// Reads the certificates, if any are named.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, String> {
        let client = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some((&**cert, &**key)),
            (None, None) => None,
            _ => return Err("`cert` and `key` in its URL go together; write both".to_owned()),
        };
        if self.ca.is_none() && client.is_none() {
            return Ok(None);
        }
        Tls::from_files(self.ca.as_deref(), client).map(Some)
    }

    /// Returns the user and password of the Sentinels, if there is one.
    pub(crate) fn sentinel_auth(&self) -> Result<Option<Credentials>, String> {
        match (&self.sentinel_user, &self.sentinel_password) {
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err("`sentinel_user` in its URL needs `sentinel_password`".to_owned())
            }
            (user, Some(password)) => Ok(Some(Credentials {
                user: user.clone().unwrap_or_default(),
                password: password.clone(),
            })),
        }
    }
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A password is never printed.
        f.debug_struct("Parameters")
            .field("ca", &self.ca)
            .field("cert", &self.cert)
            .finish_non_exhaustive()
    }
}

fn place(url: &str) -> Result<Place, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (scheme, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
    let single = match scheme {
        "redis" | "valkey" => "redis",
        "rediss" | "valkeys" => "rediss",
        _ => return info(url).map(Place::One),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    match kind {
        "cluster" => cluster(single, rest),
        "sentinel" => sentinel(single, rest),
        "" if hosts.contains(',') => Err("its URL names several hosts; write \
             `redis+cluster://` for a Cluster, `redis+sentinel://` for Sentinels"
            .to_owned()),
        _ => info(url).map(Place::One),
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

fn info(url: &str) -> Result<ConnectionInfo, String> {
    let wants_tls = ["rediss:", "valkeys:"]
        .iter()
        .any(|tls| url.starts_with(tls));
    if wants_tls && !cfg!(any(feature = "redis-native-tls", feature = "redis-rustls")) {
        return Err(
            "its URL asks for TLS; switch the feature `redis-rustls` or `redis-native-tls` on"
                .to_owned(),
        );
    }
    let malformed = |error: redis::RedisError| {
        format!("its URL cannot be read ({error}); write it as `redis://127.0.0.1:6379/0`")
    };
    redis::IntoConnectionInfo::into_connection_info(url).map_err(malformed)
}

#[cfg(feature = "redis-cluster")]
fn cluster(scheme: &str, rest: &str) -> Result<Place, String> {
    let url = HostList::new(scheme, rest);
    if !url.path.is_empty() {
        return Err("a Cluster has no databases; leave the path of its URL out".to_owned());
    }
    let nodes = url
        .hosts
        .iter()
        .map(|host| info(&url.url(url.user, host, "")));
    nodes.collect::<Result<_, _>>().map(Place::Cluster)
}

#[cfg(not(feature = "redis-cluster"))]
fn cluster(_: &str, _: &str) -> Result<Place, String> {
    Err("its URL is a Cluster's; switch the feature `redis-cluster` on".to_owned())
}

#[cfg(feature = "redis-sentinel")]
fn sentinel(scheme: &str, rest: &str) -> Result<Place, String> {
    let url = HostList::new(scheme, rest);
    let (master, db) = url.path.split_once('/').unwrap_or((url.path, ""));
    if master.is_empty() {
        return Err(
            "its URL does not say which master the Sentinels are asked for; write it as \
                    `redis+sentinel://host:26379/mymaster`"
                .to_owned(),
        );
    }
    let master = percent_decode_str(master)
        .decode_utf8()
        .map_err(|_| "the name of the master in its URL is no UTF-8".to_owned())?;
    let sentinels = url.hosts.iter().map(|host| {
        let host = with_port(host);
        info(&url.url("", &host, ""))
    });
    Ok(Place::Sentinel(Sentinel {
        sentinels: sentinels.collect::<Result<_, _>>()?,
        master: master.into_owned(),
        primary: info(&url.url(url.user, "primary", db))?,
    }))
}

#[cfg(not(feature = "redis-sentinel"))]
fn sentinel(_: &str, _: &str) -> Result<Place, String> {
    Err("its URL names Sentinels; switch the feature `redis-sentinel` on".to_owned())
}

/// Sentinels have a port of their own.
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
mod tests {
    use redis::ConnectionAddr;

    use super::{Place, parse as target};

    fn parse(url: &str) -> Result<Place, String> {
        target(url).map(|target| target.place)
    }

    fn tcp(host: &str, port: u16) -> ConnectionAddr {
        ConnectionAddr::Tcp(host.to_owned(), port)
    }

    #[test]
    fn one_server() {
        for url in [
            "redis://:secret@example/3",
            "valkey://:secret@example:6379/3",
        ] {
            let Ok(Place::One(info)) = parse(url) else {
                panic!("{url}");
            };
            assert_eq!(*info.addr(), tcp("example", 6379));
            assert_eq!(info.redis_settings().db(), 3);
            assert_eq!(info.redis_settings().password(), Some("secret"));
        }
        let Ok(Place::One(info)) = parse("redis://:a,b@example") else {
            panic!("a comma in a password");
        };
        assert_eq!(info.redis_settings().password(), Some("a,b"));
        let Ok(Place::One(info)) = parse("unix:///run/redis.sock?db=2") else {
            panic!("a Unix socket");
        };
        assert_eq!(*info.addr(), ConnectionAddr::Unix("/run/redis.sock".into()));
    }

    #[cfg(feature = "redis-cluster")]
    #[test]
    fn a_cluster() {
        let url = "redis+cluster://me:se%40cret@a:7000,b,[::1]:7001?protocol=resp3";
        let Ok(Place::Cluster(nodes)) = parse(url) else {
            panic!("a Cluster");
        };
        let addresses: Vec<_> = nodes.iter().map(|node| node.addr().clone()).collect();
        assert_eq!(
            addresses,
            [tcp("a", 7000), tcp("b", 6379), tcp("::1", 7001)]
        );
        for node in &nodes {
            assert_eq!(node.redis_settings().username(), Some("me"));
            assert_eq!(node.redis_settings().password(), Some("se@cret"));
        }
        assert!(parse("redis+cluster://a,b/1").is_err());
    }

    #[cfg(feature = "redis-sentinel")]
    #[test]
    fn sentinels() {
        let Ok(Place::Sentinel(sentinel)) = parse("redis+sentinel://:pw@a,b:1,[::1]/my%20master/4")
        else {
            panic!("Sentinels");
        };
        let addresses = sentinel.sentinels.iter().map(|info| info.addr().clone());
        let expected = [tcp("a", 26379), tcp("b", 1), tcp("::1", 26379)];
        assert_eq!(addresses.collect::<Vec<_>>(), expected);
        assert_eq!(sentinel.master, "my master");
        assert_eq!(sentinel.primary.redis_settings().db(), 4);
        assert_eq!(sentinel.primary.redis_settings().password(), Some("pw"));
        assert!(parse("redis+sentinel://a,b").is_err());
    }

    #[test]
    fn reads_its_own_parameters_and_leaves_the_others() {
        let url =
            "redis://h/1?ca=%2Fa+b.pem&protocol=resp3&sentinel_user=me&sentinel_password=a%26b";
        let target = target(url).unwrap();
        let Place::One(info) = target.place else {
            panic!("one server");
        };
        assert_eq!(info.redis_settings().db(), 1);
        assert_eq!(
            info.redis_settings().protocol(),
            redis::ProtocolVersion::RESP3
        );
        let parameters = target.parameters;
        assert_eq!(parameters.ca.as_deref(), Some("/a+b.pem"));
        let credentials = parameters.sentinel_auth().unwrap().unwrap();
        assert_eq!(credentials.user, "me");
        assert_eq!(credentials.password, "a&b");
        assert!(!format!("{parameters:?}").contains("a&b"));
        for url in [
            "redis://h?ca=",
            "redis://h?ca",
            "redis://h?ca=a&ca=b",
            "redis://h?ca=%ff",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn nonsense_is_refused_without_repeating_it() {
        let urls = [
            "",
            "localhost:6379",
            "http://user:hunter2@example",
            "redis://user:hunter2@a,b",
            "redis://user:hunter2@example/first",
            "redis+cluster://user:hunter2@a,,b",
            "redis+sentinel://user:hunter2@a",
            "redis+sentinel://a/m?sentinel_password=hunter2&sentinel_password=hunter2",
            "redis+sentinel://a/m?sentinel_password=hunter2%ff",
        ];
        for url in urls {
            let error = parse(url).unwrap_err();
            assert!(!error.contains("hunter2"), "{url}: {error}");
        }
    }
}
