//! Exchanges on a connection of a pool that may outlive their caller.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool::managed::Object;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::store::caller::{Caller, PATIENCE};
use crate::store::memcached::connection::{Opaques, Replies};
use crate::store::memcached::error::Failed;
use crate::store::memcached::manager::Manager;

/// Makes an exchange that does not end with its caller: a late reply is awaited without it.
pub(crate) async fn exchange_for(
    caller: &Caller,
    mut object: Object<Manager>,
    opaques: Opaques,
    deadline: Instant,
    timeout: Duration,
) -> Result<Replies, Failed> {
    let Some(mut connection) = object.take() else {
        return Err(Failed::Busy(timeout));
    };
    let result = {
        let mut exchange = pin!(connection.exchange(opaques));
        match timeout_at(deadline, exchange.as_mut()).await {
            Ok(result) => result,
            Err(_) => {
                // Other operations need not wait for its place in the pool.
                drop(Object::take(object));
                caller.time_out(timeout);
                let answer = tokio::time::timeout(PATIENCE, exchange).await;
                return answer.unwrap_or(Err(Failed::Timeout(PATIENCE)));
            }
        }
    };
    if result.is_ok() {
        *object = Some(connection);
    } else {
        drop(Object::take(object));
    }
    result
}

/// An exchange whose caller may go away, for example because a client hangs up. If it is dropped it
/// ends in the background, within its time limit, so that the connection can be used again. If
/// every client that hangs up cost a connection, a few of them would keep all others connecting.
pub(crate) struct DetachableExchange(Option<RunningExchange>);

type RunningExchange = Pin<Box<dyn Future<Output = Result<Replies, Failed>> + Send>>;

impl DetachableExchange {
    pub(crate) fn new(
        mut object: Object<Manager>,
        opaques: Opaques,
        deadline: Instant,
        timeout: Duration,
    ) -> Self {
        Self(Some(Box::pin(async move {
            let Some(connection) = object.as_mut() else {
                return Err(Failed::Busy(timeout));
            };
            let result = match timeout_at(deadline, connection.exchange(opaques)).await {
                Ok(result) => result,
                Err(_) => Err(Failed::Timeout(timeout)),
            };
            if result.is_err() {
                drop(Object::take(object));
            }
            result
        })))
    }
}

impl Future for DetachableExchange {
    type Output = Result<Replies, Failed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(exchange) = &mut self.0 else {
            return Poll::Pending;
        };
        let polled = exchange.as_mut().poll(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl Drop for DetachableExchange {
    fn drop(&mut self) {
        if let Some(exchange) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(exchange);
        }
    }
}
