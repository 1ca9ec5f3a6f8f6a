//! The atomics, locks and waits of the table and the spill, which loom replaces in its models.

#[cfg(not(all(test, traffik_loom)))]
pub(crate) use std::{
    hint::spin_loop,
    sync::OnceLock,
    sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, fence},
    thread::yield_now,
};

#[cfg(all(test, traffik_loom))]
pub(crate) use loom::{
    hint::spin_loop,
    sync::MutexGuard,
    sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, fence},
    thread::yield_now,
};
#[cfg(not(all(test, traffik_loom)))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(all(test, traffik_loom))]
pub(crate) use modelled::{Mutex, OnceLock};

/// The locks that loom has not, or has with another interface.
#[cfg(all(test, traffik_loom))]
mod modelled {
    use loom::sync::MutexGuard;
    use loom::sync::atomic::{AtomicBool, Ordering};

    /// A mutex with the interface of `parking_lot`.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("no model panics with a lock")
        }
    }

    /// A cell that is written once, by one thread at a time, and read with the orderings of the
    /// standard library's.
    #[derive(Debug)]
    pub(crate) struct OnceLock<T> {
        is_initialized: AtomicBool,
        value: std::sync::OnceLock<T>,
    }

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            Self {
                is_initialized: AtomicBool::new(false),
                value: std::sync::OnceLock::new(),
            }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            let is_initialized = self.is_initialized.load(Ordering::Acquire);
            is_initialized.then(|| self.value.get()).flatten()
        }

        pub(crate) fn get_or_init(&self, value: impl FnOnce() -> T) -> &T {
            let value = self.value.get_or_init(value);
            if !self.is_initialized.load(Ordering::Acquire) {
                self.is_initialized.store(true, Ordering::Release);
            }
            value
        }
    }
}
