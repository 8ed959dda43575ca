//! The other end of a connection: its address, and the spelling of its header names.

use std::{
    collections::HashMap,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Recording stops at this length. No well-behaved client sends a longer head.
const LONGEST_HEAD: usize = 64 * 1024;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    address: SocketAddr,
    head: Arc<Mutex<Head>>,
}

impl Peer {
    /// Creates a peer at `address` that has sent nothing yet.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            head: Arc::default(),
        }
    }

    /// Returns the address without the port, as events show it.
    pub(crate) fn ip(&self) -> String {
        self.address.ip().to_canonical().to_string()
    }

    /// Whether the client's first bytes are those of TLS. Every listener serves plain HTTP.
    pub(super) fn speaks_tls(&self) -> bool {
        const HANDSHAKE: [u8; 2] = [0x16, 0x03];
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        head.bytes.starts_with(&HANDSHAKE)
    }

    /// Returns the header names of the connection's first request as the client wrote them, keyed
    /// by their lower-case form.
    ///
    /// hyper lower-cases names, but a WebSocket API passes them on as sent. All known clients send
    /// a handshake as the first request of its connection.
    pub(crate) fn header_names_as_sent(&self) -> HashMap<String, String> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&head.bytes);
        let names = text
            .lines()
            .skip(1)
            .filter_map(|line| Some(line.split_once(':')?.0));
        names
            .map(|name| (name.to_ascii_lowercase(), name.to_owned()))
            .collect()
    }
}

#[derive(Debug, Default)]
struct Head {
    bytes: Vec<u8>,
    complete: bool,
}

impl Head {
    fn record(&mut self, read: &[u8]) {
        if self.complete {
            return;
        }
        // The empty line at the end of a head may be split between two reads.
        let searched = self.bytes.len().saturating_sub(3);
        self.bytes.extend_from_slice(read);
        let unsearched = self.bytes.get(searched..).unwrap_or_default();
        if let Some(end) = unsearched
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
        {
            self.bytes.truncate(searched + end);
            self.complete = true;
        } else if self.bytes.len() > LONGEST_HEAD {
            self.complete = true;
        }
    }
}

/// A stream that records the head of its first request.
pub(super) struct RecordingStream {
    stream: TcpStream,
    head: Arc<Mutex<Head>>,
}

impl RecordingStream {
    /// Returns the stream, and its peer at `address`.
    pub fn new(stream: TcpStream, address: SocketAddr) -> (Self, Peer) {
        let peer = Peer::at(address);
        let head = Arc::clone(&peer.head);
        (Self { stream, head }, peer)
    }
}

impl AsyncRead for RecordingStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(polled, Poll::Ready(Ok(()))) {
            let read = buffer.filled().get(before..).unwrap_or_default();
            self.head
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .record(read);
        }
        polled
    }
}

impl AsyncWrite for RecordingStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_empty_line_wherever_the_reads_are_cut() {
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Odd-cASE: 1\r\n\r\nbody: no header";
        for cut in 0..request.len() {
            let mut head = Head::default();
            head.record(&request[..cut]);
            head.record(&request[cut..]);
            let peer = Peer {
                address: ([127, 0, 0, 1], 1).into(),
                head: Arc::new(Mutex::new(head)),
            };
            let expected = [("host", "Host"), ("x-odd-case", "X-Odd-cASE")];
            assert_eq!(
                peer.header_names_as_sent(),
                expected.map(|(low, sent)| (low.into(), sent.into())).into(),
                "cut at {cut}"
            );
        }
    }
}
