//! Opens one socket: TCP options, timeouts and certificates.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisResult};

use crate::store::tls::Tls;

/// The number of commands that may wait to be written to one socket. The callers of more commands
/// wait too.
const BUFFER: usize = 512;

/// Opens one socket.
pub(crate) async fn open(client: &Client) -> RedisResult<MultiplexedConnection> {
    client
        .get_multiplexed_async_connection_with_config(&config())
        .await
}

/// Returns the settings of every connection. Each caller has a timeout of its own.
pub(crate) fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(BUFFER)
}

/// Adds the options of TCP, and these certificates, to the settings from a URL.
///
/// # Errors
///
/// Certificates that cannot be used, or a URL without TLS.
pub(crate) fn prepare(info: ConnectionInfo, tls: Option<&Tls>) -> Result<ConnectionInfo, String> {
    let info = info.set_tcp_settings(options());
    let Some(tls) = tls else { return Ok(info) };
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Err("certificates need a URL with TLS; write `rediss://`".to_owned());
    }
    with_certificates(info, tls)
}

#[cfg(any(feature = "redis-native-tls", feature = "redis-rustls"))]
fn with_certificates(info: ConnectionInfo, tls: &Tls) -> Result<ConnectionInfo, String> {
    let client = Client::build_with_tls(info, tls.certificates()?);
    let client = client.map_err(|error| error.to_string())?;
    Ok(client.get_connection_info().clone())
}

/// Returns the settings as they are: without a feature for TLS, a URL with TLS is refused earlier.
#[cfg(not(any(feature = "redis-native-tls", feature = "redis-rustls")))]
fn with_certificates(info: ConnectionInfo, _: &Tls) -> Result<ConnectionInfo, String> {
    Ok(info)
}

/// Returns the options of TCP: a command is sent without delay, and a peer that vanished is
/// noticed.
pub(crate) fn options() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(2));
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(Duration::from_secs(3));
    settings
}
