//! The client's end of a simulated connection.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that a process has opened. The network moves its bytes.
#[derive(Debug, Default)]
pub(super) struct SimulatedStream(Arc<Pipe>);

/// The two directions of a stream, as its process and the network share them.
#[derive(Debug, Default)]
pub(super) struct Pipe(Mutex<Ends>);

#[derive(Debug, Default)]
struct Ends {
    /// Bytes that the process has written and the network has not collected yet.
    written: Vec<u8>,
    /// Bytes that have arrived and that the process has not read yet.
    arrived: Vec<u8>,
    /// The error of reads and writes, once it is cut.
    cut: Option<io::ErrorKind>,
    is_dropped: bool,
    reader: Option<Waker>,
}

impl SimulatedStream {
    pub(super) fn pipe(&self) -> Arc<Pipe> {
        self.0.clone()
    }
}

impl Pipe {
    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Collects the bytes that the process has written.
    pub(super) fn collect(&self) -> Vec<u8> {
        std::mem::take(&mut self.ends().written)
    }

    /// Returns `true` if the process has closed the stream.
    pub(super) fn is_dropped(&self) -> bool {
        self.ends().is_dropped
    }

    /// Lets bytes arrive.
    pub(super) fn deliver(&self, bytes: &[u8]) {
        let mut ends = self.ends();
        ends.arrived.extend_from_slice(bytes);
        wake(ends);
    }

    /// Breaks the stream: what has arrived can still be read.
    pub(super) fn cut(&self, error: io::ErrorKind) {
        let mut ends = self.ends();
        ends.cut = Some(error);
        wake(ends);
    }
}

/// Wakes the reader, without the lock.
fn wake(mut ends: MutexGuard<'_, Ends>) {
    let reader = ends.reader.take();
    drop(ends);
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl AsyncRead for SimulatedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut ends = self.0.ends();
        if !ends.arrived.is_empty() {
            let count = ends.arrived.len().min(buffer.remaining());
            buffer.put_slice(&ends.arrived[..count]);
            ends.arrived.drain(..count);
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = ends.cut {
            return Poll::Ready(Err(error.into()));
        }
        ends.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl AsyncWrite for SimulatedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut ends = self.0.ends();
        if let Some(error) = ends.cut {
            return Poll::Ready(Err(error.into()));
        }
        ends.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimulatedStream {
    fn drop(&mut self) {
        self.0.ends().is_dropped = true;
    }
}
