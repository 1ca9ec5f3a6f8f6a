//! The task of one connection: it connects when its queue has exchanges, and again if the
//! connection ends while there are more.

use std::sync::Arc;

use crate::store::memcached::connection::{Connection, End};
use crate::store::memcached::connector::Connector;
use crate::store::memcached::error::Failed;
use crate::store::memcached::request_queue::RequestQueue;

/// The service of a queue, which also ends if the runtime or a panic stops its task.
struct Service(Option<Arc<RequestQueue>>);

impl Service {
    /// Ends regularly.
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(queue) = &self.0 {
            queue.stop(&Failed::aborted().before_anything_was_sent());
        }
    }
}

/// Serves a queue until there is neither a connection nor an exchange, or no connection can be
/// made.
pub(crate) fn run(
    connector: Arc<Connector>,
    queue: Arc<RequestQueue>,
) -> impl Future<Output = ()> + Send + 'static {
    let service = Service(Some(queue.clone()));
    async move {
        serve(&connector, &queue).await;
        service.end();
    }
}

async fn serve(connector: &Arc<Connector>, queue: &Arc<RequestQueue>) {
    loop {
        let socket = match connector.connect().await {
            Ok(socket) => socket,
            Err(failed) => {
                connector.disconnected(&failed);
                return queue.stop(&failed);
            }
        };
        let mut connection = Connection::new(socket, queue.clone(), connector.clone());
        let end = connection.serve().await;
        let has_answered = connection.has_answered();
        let failed = match end {
            End::Closed => return connection.drain().await,
            End::Broken(failed) => failed,
            End::Retired(failed) => {
                tokio::spawn(connection.drain());
                failed
            }
        };
        connector.disconnected(&failed);
        if !has_answered && failed.breaks_all() {
            return queue.stop(&failed.before_anything_was_sent());
        }
        if queue.stop_if_empty() {
            return;
        }
    }
}
