//! `PeerAddr`: the other end of a connection.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::extract::connect_info::{Connected, MockConnectInfo};
use axum::serve::IncomingStream;
use http::Extensions;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
#[cfg(unix)]
use tokio::net::unix;

/// The other end of a connection, over TCP or over a Unix socket.
///
/// Serve an application with this type if it may listen on a Unix socket; over TCP
/// `into_make_service_with_connect_info::<SocketAddr>()` works as well. The peer of a Unix socket
/// has no address. The client that it reports is accepted if proxies are trusted by the word
/// `unix`. A listener under axum's `tap_io` is served with the address of its kind, `SocketAddr` or
/// tokio's `unix::SocketAddr`, which are accepted too.
///
/// ```no_run
/// # #[cfg(unix)]
/// # async fn serve() -> std::io::Result<()> {
/// use axum::{Router, routing::get};
/// use traffik::{Backend, PeerAddr, provide};
///
/// let app = Router::new()
///     .route("/", get(|| async { "hello\n" }))
///     .layer(provide(Backend::memory().trusted_proxies(["unix"])));
/// let listener = tokio::net::UnixListener::bind("/run/app.sock")?;
/// axum::serve(listener, app.into_make_service_with_connect_info::<PeerAddr>()).await
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddr {
    /// The address of a peer over TCP.
    Tcp(SocketAddr),
    /// The peer of a Unix socket.
    Unix,
}

impl PeerAddr {
    /// Returns the peer of a request's connection, if the application is served with connect info.
    pub(crate) fn of(extensions: &Extensions) -> Option<Self> {
        let tcp = extensions.get::<ConnectInfo<SocketAddr>>();
        tcp.map(|info| Self::Tcp(info.0))
            .or_else(|| Self::of_others(extensions))
    }

    fn of_others(extensions: &Extensions) -> Option<Self> {
        let either = extensions.get::<ConnectInfo<Self>>().map(|info| info.0);
        #[cfg(unix)]
        let either = either.or_else(|| {
            let unix = extensions.get::<ConnectInfo<unix::SocketAddr>>();
            unix.map(|_| Self::Unix)
        });
        let mocked = || extensions.get::<MockConnectInfo<SocketAddr>>();
        let mocked = || mocked().map(|info| Self::Tcp(info.0));
        let either = either.or_else(mocked);
        either.or_else(|| {
            let mocked = extensions.get::<MockConnectInfo<Self>>();
            mocked.map(|info| info.0)
        })
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

#[cfg(unix)]
impl From<unix::SocketAddr> for PeerAddr {
    fn from(_: unix::SocketAddr) -> Self {
        Self::Unix
    }
}

impl Connected<SocketAddr> for PeerAddr {
    fn connect_info(address: SocketAddr) -> Self {
        address.into()
    }
}

impl Connected<IncomingStream<'_, TcpListener>> for PeerAddr {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        (*stream.remote_addr()).into()
    }
}

#[cfg(unix)]
impl Connected<unix::SocketAddr> for PeerAddr {
    fn connect_info(address: unix::SocketAddr) -> Self {
        address.into()
    }
}

#[cfg(unix)]
impl Connected<IncomingStream<'_, UnixListener>> for PeerAddr {
    fn connect_info(_: IncomingStream<'_, UnixListener>) -> Self {
        Self::Unix
    }
}
