//! Connections over streams that a test opens in place of sockets.

use std::io;

use redis::aio::MultiplexedConnection;
use redis::{RedisConnectionInfo, RedisResult};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::store::redis::tcp::config;

/// A stream to a server.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Opens streams.
pub(crate) type OpenStream = dyn Fn() -> io::Result<Box<dyn Stream>> + Send + Sync;

/// Opens one stream, and makes a connection of it.
pub(crate) async fn open_stream(open: &OpenStream) -> RedisResult<MultiplexedConnection> {
    let info = RedisConnectionInfo::default();
    let opened = MultiplexedConnection::new_with_config(&info, open()?, config()).await?;
    let (connection, driver) = opened;
    tokio::spawn(driver);
    Ok(connection)
}
