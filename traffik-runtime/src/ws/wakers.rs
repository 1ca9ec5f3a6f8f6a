//! The tasks that wait for room in a socket.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use parking_lot::Mutex;

/// The tasks that wait for room to write, two if a guard is split: the receiver, because the guard
/// sends notices, and the sender. A sink stores only the last waker, so it gets one that wakes
/// both.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    receiver: Mutex<Option<Waker>>,
    sender: Mutex<Option<Waker>>,
}

impl Wakers {
    /// Returns the waker of both tasks, and stores this one as the receiver.
    pub(super) fn for_receiver(self: &Arc<Self>, cx: &Context<'_>) -> Waker {
        store(&self.receiver, cx);
        self.clone().into()
    }

    /// Returns the waker of both tasks, and stores this one as the sender.
    pub(super) fn for_sender(self: &Arc<Self>, cx: &Context<'_>) -> Waker {
        store(&self.sender, cx);
        self.clone().into()
    }
}

fn store(stored: &Mutex<Option<Waker>>, cx: &Context<'_>) {
    let mut stored = stored.lock();
    match &mut *stored {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *stored = Some(cx.waker().clone()),
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        for stored in [&self.receiver, &self.sender] {
            // Woken outside the lock, because a waker may drop the guard at once.
            let waker = stored.lock().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}
