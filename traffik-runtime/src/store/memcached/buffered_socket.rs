//! A socket with a buffer in each direction, read and written as far as is possible at once.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

use crate::store::memcached::handshake::Socket;

/// The number of bytes for which a buffer has room before each read.
const READ_SIZE: usize = 8 << 10;

/// The capacity from which on a buffer is not retained after a large value.
const LARGEST_BUFFER: usize = 256 << 10;

/// A socket and its buffers.
pub(crate) struct BufferedSocket {
    socket: Socket,
    /// The bytes that were read and not yet parsed.
    pub(crate) input: BytesMut,
    /// The bytes that were not yet written.
    output: BytesMut,
    /// The number of bytes that were written.
    written: u64,
    needs_flush: bool,
}

impl BufferedSocket {
    pub(crate) fn new(socket: Socket) -> Self {
        Self {
            socket,
            input: BytesMut::new(),
            output: BytesMut::new(),
            written: 0,
            needs_flush: false,
        }
    }

    /// Appends bytes that are to be written, and returns their position among all bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> u64 {
        let position = self.written + self.output.len() as u64;
        self.output.extend_from_slice(bytes);
        position
    }

    /// Returns the number of bytes that were written.
    pub(crate) const fn written(&self) -> u64 {
        self.written
    }

    /// Returns the number of bytes that were not yet written.
    pub(crate) fn unwritten(&self) -> usize {
        self.output.len()
    }

    /// Appends the bytes that have arrived to the input.
    ///
    /// # Errors
    ///
    /// The socket is broken, or its end was read.
    pub(crate) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, input, .. } = self;
        shrink(input);
        input.reserve(READ_SIZE);
        match ready!(pin!(socket.read_buf(input)).poll(context)) {
            Ok(0) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            read => Poll::Ready(read.map(drop)),
        }
    }

    /// Writes the output.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, output, .. } = self;
        while !output.is_empty() {
            let written = ready!(Pin::new(&mut *socket).poll_write(context, output))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            output.advance(written);
            self.written += written as u64;
            self.needs_flush = true;
        }
        shrink(output);
        if self.needs_flush {
            // TLS may buffer a part.
            ready!(Pin::new(socket).poll_flush(context))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }
}

fn shrink(buffer: &mut BytesMut) {
    if buffer.is_empty() && buffer.capacity() > LARGEST_BUFFER {
        *buffer = BytesMut::new();
    }
}
