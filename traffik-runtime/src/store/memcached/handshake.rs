//! Opens sockets to servers, with TLS and credentials.

use std::io;
#[cfg(feature = "memcached-rustls")]
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use crate::store::memcached::nodes::Address;
use crate::store::tls::Tls;

/// A socket, with or without TLS.
pub(crate) type Socket = Box<dyn Stream>;

/// A stream of bytes in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// A user and a password, for Memcached's text protocol.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// The settings with which all connections of a backend are opened.
pub(crate) struct Handshake {
    #[cfg(feature = "memcached-rustls")]
    tls: Option<tokio_rustls::TlsConnector>,
    pub(crate) credentials: Option<Credentials>,
}

impl Handshake {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Settings that can never work. The message repeats no password and no key.
    pub(crate) fn new(
        addresses: &[Address],
        tls: Option<&Tls>,
        credentials: Option<Credentials>,
    ) -> Result<Self, String> {
        if let Some(credentials) = &credentials {
            credentials.check()?;
        }
        let is_tls = |address: &Address| matches!(address, Address::Tls(..));
        if let (Some(_), Some(address)) = (tls, addresses.iter().find(|address| !is_tls(address))) {
            return Err(format!(
                "certificates need TLS, but `{address}` has none; write `tls://{address}`"
            ));
        }
        Ok(Self {
            #[cfg(feature = "memcached-rustls")]
            tls: with_tls(addresses, tls)?,
            credentials: without_tls(addresses, credentials)?,
        })
    }

    /// Opens a socket.
    pub(crate) async fn socket(&self, address: &Address) -> io::Result<Socket> {
        match address {
            Address::Tcp(host, port) => Ok(Box::new(tcp(host, *port).await?)),
            #[cfg(feature = "memcached-rustls")]
            Address::Tls(host, port) => {
                let tls = self.tls.as_ref().ok_or(io::ErrorKind::Unsupported)?;
                let name = server_name(host).map_err(io::Error::other)?;
                let stream = tls.connect(name, tcp(host, *port).await?).await?;
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            #[allow(
                unreachable_patterns,
                reason = "every case is covered on Unix with TLS"
            )]
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(feature = "memcached-rustls")]
fn with_tls(
    addresses: &[Address],
    tls: Option<&Tls>,
) -> Result<Option<tokio_rustls::TlsConnector>, String> {
    let mut any = false;
    for address in addresses {
        if let Address::Tls(host, _) = address {
            server_name(host)?;
            any = true;
        }
    }
    if !any {
        return Ok(None);
    }
    let system = Tls::new();
    let tls = tls.unwrap_or(&system);
    let roots = match tls.authorities()? {
        Some(roots) => roots,
        None => system_authorities()?,
    };
    Ok(Some(Arc::new(tls.config(roots)?).into()))
}

#[cfg(feature = "memcached-rustls")]
fn server_name(host: &str) -> Result<rustls::pki_types::ServerName<'static>, String> {
    rustls::pki_types::ServerName::try_from(host.to_owned())
        .map_err(|_| format!("`{host}` cannot be the name in a certificate"))
}

#[cfg(feature = "memcached-rustls")]
fn system_authorities() -> Result<rustls::RootCertStore, String> {
    let mut roots = rustls::RootCertStore::empty();
    // Some systems keep certificates that rustls cannot read beside those that it can.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("the system has no certificate authorities; pass one to `Tls::ca`".to_owned());
    }
    Ok(roots)
}

#[cfg(feature = "memcached-rustls")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it can fail")]
fn without_tls<T>(_: &[Address], value: T) -> Result<T, String> {
    Ok(value)
}

#[cfg(not(feature = "memcached-rustls"))]
fn without_tls<T>(addresses: &[Address], value: T) -> Result<T, String> {
    if addresses
        .iter()
        .any(|address| matches!(address, Address::Tls(..)))
    {
        return Err("a server address has TLS; enable the feature `memcached-rustls`".to_owned());
    }
    Ok(value)
}

impl Credentials {
    fn check(&self) -> Result<(), String> {
        let Self { user, password } = self;
        let is_user = |c: char| !c.is_whitespace() && !c.is_control() && c != ':';
        if user.is_empty() || !user.chars().all(is_user) {
            let message = "the user for Memcached must not be empty or contain spaces or colons";
            return Err(message.to_owned());
        }
        if password.is_empty() || password.chars().any(char::is_control) {
            let message =
                "the password for Memcached must not be empty or contain control characters";
            return Err(message.to_owned());
        }
        Ok(())
    }

    /// Returns the command that presents them: a `set` of any key, which is not stored. A server
    /// that requires no credentials does store it, so the value expires at once.
    pub(crate) fn command(&self) -> Vec<u8> {
        let Self { user, password } = self;
        let size = user.len() + 1 + password.len();
        format!("set auth 0 -1 {size}\r\n{user} {password}\r\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Credentials, Handshake};
    use crate::store::memcached::nodes::parse;
    use crate::store::tls::Tls;

    fn credentials(user: &str, password: &str) -> Credentials {
        Credentials {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }

    #[test]
    fn presents_credentials_as_a_set() {
        let command = credentials("me", "my secret").command();
        assert_eq!(command, b"set auth 0 -1 12\r\nme my secret\r\n");
    }

    #[test]
    fn refuses_credentials_that_are_another_command() {
        let pairs = [
            ("", "hunter2"),
            ("a b", "hunter2"),
            ("a:b", "hunter2"),
            ("me", ""),
            ("me", "hunter2\r\nflush_all"),
            ("me\n", "hunter2"),
        ];
        for (user, password) in pairs {
            let error = Handshake::new(&[], None, Some(credentials(user, password)));
            let error = error.err().expect("refused");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn refuses_certificates_without_tls() {
        for nodes in ["h:1", "tls://h,i", "unix:///run/mc.sock"] {
            let addresses = parse(&nodes.into()).unwrap();
            let error = Handshake::new(&addresses, Some(&Tls::new()), None).err();
            assert!(
                error.is_some_and(|error| error.contains("tls://")),
                "{nodes}"
            );
        }
    }
}
