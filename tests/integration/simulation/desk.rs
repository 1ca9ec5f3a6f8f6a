//! The desk that the tasks of all processes share with the simulated world: time, the account, and
//! what they ask of the world.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::account::Account;
use super::stream::Pipe;

/// The place where the tasks of all processes meet the world.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// The time since the simulation began, in microseconds.
    now: AtomicU64,
    /// Set once the tasks shall end.
    is_over: AtomicBool,
    /// The time until which the server accepts no connections.
    down_until: AtomicU64,
    account: Mutex<Account>,
    requests: Mutex<Requests>,
}

/// Requests of the tasks of a process, made while it ran.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Moments at which tasks are to be woken.
    pub(super) naps: Vec<(u64, Waker)>,
    /// Streams that were opened.
    pub(super) opened: Vec<Arc<Pipe>>,
}

impl Desk {
    pub(super) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn set_now(&self, now: u64) {
        self.now.store(now, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Lets the tasks end after what they are doing.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if the server accepts no connections now.
    pub(super) fn is_down(&self) -> bool {
        self.now() < self.down_until.load(Ordering::Relaxed)
    }

    pub(super) fn set_down_until(&self, time: u64) {
        self.down_until.store(time, Ordering::Relaxed);
    }

    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a task sleep for some microseconds, by the time of the world.
    pub(super) fn nap(&self, micros: u64) -> Nap<'_> {
        Nap {
            desk: self,
            until: self.now() + micros,
        }
    }
}

/// The sleep of a task.
pub(super) struct Nap<'d> {
    desk: &'d Desk,
    until: u64,
}

impl Future for Nap<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.desk.now() >= self.until {
            return Poll::Ready(());
        }
        let nap = (self.until, context.waker().clone());
        self.desk.requests().naps.push(nap);
        Poll::Pending
    }
}
