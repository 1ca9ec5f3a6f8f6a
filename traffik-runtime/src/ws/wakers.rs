//! Who waits for room in a socket.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use parking_lot::Mutex;

/// The tasks that wait for room to write, at most two where a guard is split: whoever receives, since the guard answers
/// what is refused, and whoever sends. A sink remembers only the last who asked, so it is given both as one.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    receiver: Mutex<Option<Waker>>,
    sender: Mutex<Option<Waker>>,
}

impl Wakers {
    /// The one that wakes both, of which this is now the one who receives.
    pub(super) fn of_receiver(self: &Arc<Self>, cx: &Context<'_>) -> Waker {
        remember(&self.receiver, cx);
        self.clone().into()
    }

    /// The one that wakes both, of which this is now the one who sends.
    pub(super) fn of_sender(self: &Arc<Self>, cx: &Context<'_>) -> Waker {
        remember(&self.sender, cx);
        self.clone().into()
    }
}

fn remember(place: &Mutex<Option<Waker>>, cx: &Context<'_>) {
    let mut place = place.lock();
    match &mut *place {
        Some(known) => known.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        for place in [&self.receiver, &self.sender] {
            // Not within the lock: to be woken may mean to be dropped here and now.
            let waker = place.lock().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}
