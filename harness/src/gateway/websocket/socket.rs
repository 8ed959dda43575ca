//! The socket of one open connection: its limits, its two directions and its end.

use std::{future::Future, time::Duration};

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::{CapacityError, ProtocolError},
        protocol::{
            CloseFrame, WebSocketConfig,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use super::{
    connections::{Connection, OpenConnection},
    session::Farewell,
};
use crate::{faults, gateway::server};

/// The longest frame, in bytes.
pub(crate) const LONGEST_FRAME: usize = 32 * 1024;
/// What a connection keeps ready to read into, in bytes: thousands that are idle must not cost what a busy one is worth.
const READ_BUFFER: usize = 4 * 1024;
/// The longest message, in bytes, in either direction.
pub(crate) const LONGEST_MESSAGE: usize = 128 * 1024;
/// A connection without a message in either direction for so long is closed.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// No connection lives longer.
const LONGEST_LIFE: Duration = Duration::from_secs(2 * 60 * 60);
/// How long the client has to take what was queued for it and to answer the close frame.
const CLOSING: Duration = Duration::from_secs(2);

/// Everything that can end a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client sent a close frame, perhaps without a code.
    Closed(Option<(u16, String)>),
    /// The management API deleted it.
    Deleted,
    Idle,
    /// It reached [`LONGEST_LIFE`].
    Expired,
    /// The harness is being stopped.
    GoingAway,
    /// A frame or a message was too long.
    TooLong,
    Binary,
    /// A text message was not UTF-8.
    NotText,
    /// The client broke the WebSocket protocol.
    Violation,
    /// The network connection ended without a close frame.
    Lost,
}

impl Ending {
    /// What the client reads in the close frame, if the gateway is the one to send it.
    fn close_frame(&self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Closed(_) | Self::Lost => return None,
            Self::Deleted => (CloseCode::Normal, "Connection Closed Normally"),
            Self::Idle | Self::Expired | Self::GoingAway => (CloseCode::Away, "Going away"),
            Self::TooLong => (CloseCode::Size, "Message too long"),
            Self::Binary => (CloseCode::Unsupported, "Binary frames are not supported"),
            Self::NotText => (CloseCode::Invalid, "Invalid UTF-8"),
            Self::Violation => (CloseCode::Protocol, "Protocol error"),
        };
        Some(CloseFrame {
            code,
            reason: reason.into(),
        })
    }

    pub(crate) fn farewell(&self) -> Farewell {
        let (code, reason) = match self {
            Self::Closed(None) => (1005, "Client-side close frame status not set".to_owned()),
            Self::Closed(Some((code, reason))) => (*code, reason_of(*code, reason)),
            Self::Lost => (1006, "Connection closed abnormally".to_owned()),
            ours => ours.close_frame().map_or((1000, String::new()), |frame| {
                (frame.code.into(), frame.reason.to_string())
            }),
        };
        Farewell { code, reason }
    }
}

/// The client's own words, or those that AWS has for the code.
fn reason_of(code: u16, reason: &str) -> String {
    match code {
        _ if !reason.is_empty() => reason.to_owned(),
        1000 => "Connection Closed Normally".to_owned(),
        1001 => "Going away".to_owned(),
        _ => String::new(),
    }
}

pub(crate) fn configuration() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_frame_size(Some(LONGEST_FRAME))
        .max_message_size(Some(LONGEST_MESSAGE))
}

/// Carries messages in both directions until something ends the connection, and closes it. `on_message` is called in
/// the order in which messages arrive and must not block.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    open: &OpenConnection,
    outgoing: mpsc::Receiver<String>,
    mut on_message: impl FnMut(String),
) -> Ending {
    let connection = open.connection.as_ref();
    let (sink, mut stream) = socket.split();
    let (close, close_asked) = oneshot::channel();
    let clock = connection.clock();
    let expires = clock.now() + LONGEST_LIFE;
    let half_open = watch::Sender::new(false);
    let mut writing = std::pin::pin!(unless(
        half_open.subscribe(),
        write(sink, connection, outgoing, close_asked)
    ));
    let mut on_message = |text| {
        on_message(text);
        let fault = open.faults().on_message();
        half_open.send_replace(fault == Some(faults::Connection::HalfOpen));
        fault
    };
    let ending = tokio::select! {
        // What the client did comes before what the clock says.
        biased;
        ending = unless(half_open.subscribe(), read(&mut stream, connection, &mut on_message)) => ending,
        _ = &mut writing => Ending::Lost,
        () = connection.deleted() => Ending::Deleted,
        () = open.going_away() => Ending::GoingAway,
        () = clock.reaches(expires) => Ending::Expired,
        () = idle(connection) => Ending::Idle,
    };
    open.hide();
    match &ending {
        Ending::Lost => {}
        Ending::Closed(_) => {
            // Reading on sends the answer to the close frame.
            let _ = timeout(CLOSING, read_out(&mut stream)).await;
        }
        // The reader has given up on these clients, so what still comes from them is read without being understood.
        Ending::TooLong | Ending::NotText | Ending::Violation => {
            let _ = close.send(ending.close_frame());
            let _ = timeout(CLOSING, async {
                if let Ok(sink) = writing.await {
                    hang_up(sink, stream).await;
                }
            })
            .await;
        }
        Ending::Deleted | Ending::Idle | Ending::Expired | Ending::GoingAway | Ending::Binary => {
            let _ = close.send(ending.close_frame());
            // Both at once: a client may wait for us to read before it reads itself.
            let _ = timeout(CLOSING, async {
                tokio::join!(writing, read_out(&mut stream))
            })
            .await;
        }
    }
    ending
}

/// Does its work until `stopped` turns true. From then on it neither ends nor lets go of anything.
async fn unless<T>(stopped: watch::Receiver<bool>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        () = server::turned_true(stopped) => {}
        done = &mut work => return done,
    }
    std::future::pending().await
}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut SplitStream<WebSocketStream<S>>,
    connection: &Connection,
    on_message: &mut impl FnMut(String) -> Option<faults::Connection>,
) -> Ending {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => {
                connection.touch();
                if on_message(text.to_string()) == Some(faults::Connection::Cut) {
                    return Ending::Lost;
                }
            }
            Some(Ok(Message::Binary(_))) => return Ending::Binary,
            // Answered by the library. Neither counts as activity.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(frame))) => {
                return Ending::Closed(
                    frame.map(|frame| (frame.code.into(), frame.reason.to_string())),
                );
            }
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                return Ending::TooLong;
            }
            Some(Err(Error::Utf8(_))) => return Ending::NotText,
            Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                return Ending::Lost;
            }
            Some(Err(Error::Protocol(_))) => return Ending::Violation,
            Some(Err(_)) | None => return Ending::Lost,
        }
    }
}

type Outgoing<S> = SplitSink<WebSocketStream<S>, Message>;

/// Sends what is queued until it is told to close; what had been accepted by then still goes out before the close frame.
async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: Outgoing<S>,
    connection: &Connection,
    mut queue: mpsc::Receiver<String>,
    mut close: oneshot::Receiver<Option<CloseFrame>>,
) -> Result<Outgoing<S>, Error> {
    let frame = loop {
        tokio::select! {
            biased;
            frame = &mut close => break frame.ok().flatten(),
            Some(text) = queue.recv() => send(&mut sink, connection, text).await?,
        }
    };
    queue.close();
    while let Some(text) = queue.recv().await {
        send(&mut sink, connection, text).await?;
    }
    sink.send(Message::Close(frame)).await?;
    Ok(sink)
}

/// One text message, in as many frames as it needs.
async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    sink: &mut Outgoing<S>,
    connection: &Connection,
    text: String,
) -> Result<(), Error> {
    let mut frames = text.as_bytes().chunks(LONGEST_FRAME).peekable();
    if frames.peek().is_none() {
        sink.feed(Message::text("")).await?;
    }
    let mut kind = Data::Text;
    while let Some(payload) = frames.next() {
        let frame = Frame::message(
            payload.to_vec(),
            OpCode::Data(kind),
            frames.peek().is_none(),
        );
        sink.feed(Message::Frame(frame)).await?;
        kind = Data::Continue;
    }
    sink.flush().await?;
    connection.touch();
    Ok(())
}

async fn read_out<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut SplitStream<WebSocketStream<S>>) {
    while let Some(Ok(_)) = stream.next().await {}
}

/// Ends our direction and waits for the client to end its own. Closing at once, with bytes unread, would reset the
/// connection, and the client might never see the close frame.
async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(
    sink: Outgoing<S>,
    stream: SplitStream<WebSocketStream<S>>,
) {
    let Ok(mut socket) = sink.reunite(stream) else {
        return;
    };
    let connection = socket.get_mut();
    let mut unread = [0; 8 * 1024];
    if connection.shutdown().await.is_ok() {
        while let Ok(1..) = connection.read(&mut unread).await {}
    }
}

async fn idle(connection: &Connection) {
    loop {
        let deadline = connection.last_active() + IDLE;
        if deadline <= connection.clock().now() {
            return;
        }
        connection.clock().reaches(deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{DuplexStream, duplex},
        time::{Instant, sleep},
    };
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;
    use crate::gateway::{
        moment::Moment,
        websocket::{Connections, session::Session},
    };

    type Client = WebSocketStream<DuplexStream>;

    /// A connection whose clock is the runtime's, which is paused: it jumps to the next deadline whenever all is quiet.
    async fn connection() -> (Client, tokio::task::JoinHandle<Ending>) {
        let (ours, theirs) = duplex(1024 * 1024);
        let server =
            WebSocketStream::from_raw_socket(ours, Role::Server, Some(configuration())).await;
        let session = Session {
            connection_id: "BFHPhfCWIAMCKlQ=".into(),
            connected_at: Moment::now(),
            source_ip: "127.0.0.1".into(),
            user_agent: None,
            domain_name: "localhost".into(),
            authorizer: None,
        };
        let (open, outgoing) = Connections::default().open(session);
        let running = tokio::spawn(async move { run(server, &open, outgoing, |_| {}).await });
        (
            WebSocketStream::from_raw_socket(theirs, Role::Client, None).await,
            running,
        )
    }

    async fn until_closed(client: &mut Client) -> CloseFrame {
        loop {
            if let Message::Close(Some(frame)) = client.next().await.unwrap().unwrap() {
                return frame;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ten_minutes_without_a_message_end_a_connection_and_pings_are_no_messages() {
        let (mut client, running) = connection().await;
        let began = Instant::now();
        for message in [Message::text("x"), Message::Ping("x".into())] {
            sleep(Duration::from_secs(9 * 60)).await;
            client.send(message).await.unwrap();
        }
        let frame = until_closed(&mut client).await;
        assert_eq!(
            (frame.code, frame.reason.as_str()),
            (CloseCode::Away, "Going away")
        );
        assert_eq!(began.elapsed().as_secs(), 19 * 60);
        assert_eq!(running.await.unwrap(), Ending::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn two_hours_end_the_busiest_connection() {
        let (mut client, running) = connection().await;
        let began = Instant::now();
        for _ in 0..23 {
            sleep(Duration::from_secs(5 * 60)).await;
            client.send(Message::text("x")).await.unwrap();
        }
        assert_eq!(until_closed(&mut client).await.code, CloseCode::Away);
        assert_eq!(began.elapsed().as_secs(), 2 * 60 * 60);
        assert_eq!(running.await.unwrap(), Ending::Expired);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_ignores_the_close_frame_is_left() {
        let (client, running) = connection().await;
        // The client exists but does nothing, so nothing but the clock can end the closing.
        assert_eq!(running.await.unwrap(), Ending::Idle);
        drop(client);
    }
}
