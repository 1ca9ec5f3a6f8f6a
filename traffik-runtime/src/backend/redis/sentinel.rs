//! Sentinels, and the primary they know.

use std::sync::atomic::{AtomicUsize, Ordering};

use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisResult, TlsMode,
};

use super::connector::tcp;
use super::url::Sentinel;

/// Who to ask for the primary.
pub(super) struct Sentinels {
    sentinel: Sentinel,
    /// Who is asked first: another one each time, so that one that does not answer holds up one try and no more.
    first: AtomicUsize,
}

impl Sentinels {
    pub(super) const fn new(sentinel: Sentinel) -> Self {
        Self {
            sentinel,
            first: AtomicUsize::new(0),
        }
    }

    /// The primary as it is known now, which says itself that it is one.
    pub(super) async fn primary(&self) -> RedisResult<Client> {
        let Sentinel {
            sentinels,
            master,
            primary,
        } = &self.sentinel;
        let mut addresses = sentinels.clone();
        let first = self.first.fetch_add(1, Ordering::Relaxed) % addresses.len().max(1);
        addresses.rotate_left(first);
        let infos: Vec<ConnectionInfo> = addresses
            .into_iter()
            .map(|address| Ok(address.into_connection_info()?.set_tcp_settings(tcp())))
            .collect::<RedisResult<_>>()?;

        let mut node = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(primary.redis_settings().clone())
            .set_tcp_settings(tcp());
        if let ConnectionAddr::TcpTls { insecure, .. } = primary.addr() {
            let mode = if *insecure {
                TlsMode::Insecure
            } else {
                TlsMode::Secure
            };
            node = node.set_tls_mode(mode);
        }
        let master = master.clone();
        let mut client =
            SentinelClient::build(infos, master, Some(node), SentinelServerType::Master)?;
        client.async_get_client().await
    }
}
