//! The nodes of a Cluster, and redirects to the node of a key.

use std::time::Duration;

use redis::aio::ConnectionLike as _;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};
use redis::{
    Cmd, ConnectionInfo, Pipeline, RedisError, RedisFuture, RedisResult, RetryMethod, Value,
};

use crate::store::redis::tcp::{options, prepare};
use crate::store::tls::Tls;

/// The greatest number of redirects of one command, while its key moves between nodes.
const REDIRECTS: usize = 5;

/// The delay before a command is sent again, while its slot has no node.
const PAUSE: Duration = Duration::from_millis(10);

/// The timeout for connecting to one node. The client library connects to all nodes at once, and
/// all wait for the slowest.
const CONNECT: Duration = Duration::from_millis(300);

/// The time for which the client library waits for the answer of a node after the caller's timeout.
/// It is short, because all operations wait for a silent node while the client refreshes its slots.
const LATE: Duration = Duration::from_secs(1);

/// The connections to all nodes of a Cluster.
#[derive(Clone)]
pub(crate) struct Nodes(ClusterConnection);

/// Returns a client for these nodes. It never retries a command: after a connection broke, the
/// first attempt may have been counted.
pub(crate) fn client(
    nodes: Vec<ConnectionInfo>,
    tls: Option<&Tls>,
    timeout: Duration,
) -> Result<ClusterClient, String> {
    let nodes = nodes.into_iter().map(|node| prepare(node, tls));
    let client = ClusterClient::builder(nodes.collect::<Result<Vec<_>, _>>()?)
        .retries(0)
        .connection_timeout(CONNECT)
        .response_timeout(timeout + LATE)
        .overall_response_timeout(None)
        .tcp_settings(options());
    // The certificates of these nodes do not apply to the nodes that the Cluster reports.
    let client = match tls {
        None => client,
        #[cfg(feature = "redis-rustls")]
        Some(tls) => client.certs(tls.certificates()?),
        #[cfg(not(feature = "redis-rustls"))]
        Some(_) => {
            let message = "certificates for a Cluster need the feature `redis-rustls`";
            return Err(message.to_owned());
        }
    };
    client.build().map_err(|error| error.to_string())
}

impl Nodes {
    pub(crate) async fn connect(client: &ClusterClient) -> RedisResult<Self> {
        client.get_async_connection().await.map(Self)
    }

    /// Sends a command to the node of its key, and follows redirects. A command is sent again only
    /// if it was certainly not done.
    pub(crate) async fn send(&mut self, cmd: &Cmd) -> RedisResult<Value> {
        let mut result = self.0.req_packed_command(cmd).await;
        for _ in 0..REDIRECTS {
            let Err(error) = &result else { break };
            result = match error.retry_method() {
                RetryMethod::MovedRedirect => self.redirect(cmd, error, false).await,
                RetryMethod::AskRedirect => self.redirect(cmd, error, true).await,
                RetryMethod::RefreshSlotsAndRetry | RetryMethod::WaitAndRetry => {
                    tokio::time::sleep(PAUSE).await;
                    self.0.req_packed_command(cmd).await
                }
                _ => break,
            };
        }
        result
    }

    /// Sends a command to the node that an error names. `ask` tells that node to expect a key which
    /// is still being moved to it.
    async fn redirect(&self, cmd: &Cmd, error: &RedisError, ask: bool) -> RedisResult<Value> {
        let mut connection = self.0.clone();
        let node = error
            .redirect_node()
            .and_then(|(node, _)| node.rsplit_once(':'));
        let address = node.and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
        let Some((host, port)) = address.filter(|(host, _)| !host.is_empty()) else {
            tokio::time::sleep(PAUSE).await;
            return connection.req_packed_command(cmd).await;
        };
        let route = SingleNodeRoutingInfo::ByAddress { host, port };
        if !ask {
            return connection
                .route_command(cmd.clone(), RoutingInfo::SingleNode(route))
                .await;
        }
        let mut pipeline = redis::pipe();
        pipeline.cmd("ASKING").ignore().add_command(cmd.clone());
        let mut answers = connection.route_pipeline(pipeline, 1, 1, route).await?;
        Ok(answers.pop().unwrap_or(Value::Nil))
    }

    pub(crate) fn pipeline<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.0.req_packed_commands(pipeline, offset, count)
    }

    /// Sends a command to every primary, and returns the answers by address.
    pub(crate) async fn send_to_all(&mut self, cmd: Cmd) -> RedisResult<Value> {
        let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
        self.0.route_command(cmd, all).await
    }

    /// Sends a command to one node.
    pub(crate) async fn send_to(&mut self, address: &str, cmd: Cmd) -> RedisResult<Value> {
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let node = SingleNodeRoutingInfo::ByAddress {
            host: host.to_owned(),
            port: port.parse().unwrap_or(6379),
        };
        self.0
            .route_command(cmd, RoutingInfo::SingleNode(node))
            .await
    }
}
