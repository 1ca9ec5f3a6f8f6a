//! Timers of tokio, on runtimes that may lack them.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::time;

use crate::error::Error;

/// The error of a future that took too long.
pub(crate) struct Elapsed;

/// Waits for this time.
///
/// # Errors
///
/// [`Error::BackendConfiguration`] where there is no tokio runtime, or it has no timers.
pub(crate) async fn sleep(time: Duration) -> Result<(), Error> {
    check()?;
    time::sleep(time).await;
    Ok(())
}

/// Awaits a future for at most this time. Without timers it is awaited until it ends.
pub(crate) async fn within<T>(
    time: Duration,
    future: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    if check().is_err() {
        return Ok(future.await);
    }
    time::timeout(time, future).await.map_err(|_| Elapsed)
}

/// Checks that this thread is on a runtime with timers.
///
/// # Errors
///
/// [`Error::BackendConfiguration`] if it is not.
pub(crate) fn check() -> Result<(), Error> {
    thread_local! {
        static LATEST: Cell<Option<(Id, bool)>> = const { Cell::new(None) };
    }
    let Ok(runtime) = Handle::try_current() else {
        return Err(missing("there is no tokio runtime here; call it from one"));
    };
    let id = runtime.id();
    let has_timers = match LATEST.get() {
        Some((latest, has_timers)) if latest == id => has_timers,
        _ => {
            // Tokio cannot be queried for timers, and panics where there are none. The panic is
            // caught here, once for each runtime.
            let has_timers = catch_unwind(|| drop(time::sleep(Duration::ZERO))).is_ok();
            LATEST.set(Some((id, has_timers)));
            has_timers
        }
    };
    if has_timers {
        return Ok(());
    }
    Err(missing(
        "the tokio runtime has no timers; build it with `enable_all()`",
    ))
}

fn missing(message: &str) -> Error {
    Error::BackendConfiguration {
        message: message.to_owned(),
    }
}
