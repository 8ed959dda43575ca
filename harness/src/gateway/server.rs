//! A listening port: who is at the other end of a connection, how he spelled his headers, and an orderly end.

use std::{
    collections::HashMap,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use futures_util::future::join_all;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// How long requests that are being answered may take when the door closes.
const GRACE: Duration = Duration::from_secs(5);
/// More than any head that hyper accepts from an honest client; what is beyond keeps hyper's lower-case names.
const LONGEST_HEAD: usize = 64 * 1024;

/// Serves `router` on all `listeners` until `shutdown` turns true, then lets the requests under way finish for at most
/// five seconds. Handlers find the [`Peer`] as `ConnectInfo`.
pub async fn serve(listeners: Vec<TcpListener>, router: Router, shutdown: watch::Receiver<bool>) {
    let servers = listeners.into_iter().map(|listener| {
        let make_service = router.clone().into_make_service_with_connect_info::<Peer>();
        let server = axum::serve(RecordingListener(listener), make_service)
            .with_graceful_shutdown(turned_true(shutdown.clone()));
        async move {
            // The server accepts for ever and reports no errors of its own.
            let _ = server.await;
        }
    });
    let patience = async {
        turned_true(shutdown.clone()).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = join_all(servers) => {}
        () = patience => {}
    }
}

/// Resolves once the value is true, or can never become it because its sender is gone.
pub(crate) async fn turned_true(mut value: watch::Receiver<bool>) {
    let _ = value.wait_for(|value| *value).await;
}

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    address: SocketAddr,
    head: Arc<Mutex<Head>>,
}

impl Peer {
    /// Without port, as events show it.
    pub(crate) fn ip(&self) -> String {
        self.address.ip().to_canonical().to_string()
    }

    /// The names of the connection's first request as the client wrote them, by their lower-case form.
    ///
    /// hyper lower-cases names; a WebSocket API hands them on as they came. A handshake is the first request of its
    /// connection in every known client.
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

impl Connected<IncomingStream<'_, RecordingListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, RecordingListener>) -> Self {
        Self {
            address: *stream.remote_addr(),
            head: Arc::clone(&stream.io().head),
        }
    }
}

/// A listener whose connections remember the head of their first request.
struct RecordingListener(TcpListener);

impl Listener for RecordingListener {
    type Io = RecordingStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Without it small frames wait for acknowledgements; a socket that refuses is merely slower.
        let _ = stream.set_nodelay(true);
        (
            RecordingStream {
                stream,
                head: Arc::default(),
            },
            address,
        )
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
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
        // The empty line that ends a head may be split between two reads.
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

struct RecordingStream {
    stream: TcpStream,
    head: Arc<Mutex<Head>>,
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
