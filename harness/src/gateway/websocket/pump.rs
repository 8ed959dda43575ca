//! The two directions of one socket: reads messages, writes queued ones, and closes cleanly.

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::oneshot,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::{CapacityError, ProtocolError},
        protocol::{
            CloseFrame,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

use super::{
    connections::{Connection, IncomingMessage},
    ending::Ending,
    limits::LONGEST_FRAME,
    outgoing::{OutgoingMessage, OutgoingMessages},
};
use crate::faults;

/// The sending half of a socket.
pub(super) type Outgoing<S> = SplitSink<WebSocketStream<S>, Message>;

/// Calls `on_message` for every text message until the connection ends.
///
/// While too many messages are in progress, the socket is not read. Its buffers fill, and the
/// client has to wait.
pub(super) async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut SplitStream<WebSocketStream<S>>,
    connection: &Connection,
    on_message: &mut impl FnMut(IncomingMessage) -> Option<faults::Connection>,
) -> Ending {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => {
                connection.touch();
                let message = connection.take(text.to_string()).await;
                if on_message(message) == Some(faults::Connection::Cut) {
                    return Ending::Lost;
                }
            }
            Some(Ok(Message::Binary(_))) => return Ending::Binary,
            // The library answers pings. Neither pings nor pongs count as activity.
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

/// Sends queued messages until `close` resolves. Messages queued by then are sent before the close
/// frame.
pub(super) async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: Outgoing<S>,
    connection: &Connection,
    mut queue: OutgoingMessages,
    mut close: oneshot::Receiver<Option<CloseFrame>>,
) -> Result<Outgoing<S>, Error> {
    let frame = loop {
        tokio::select! {
            biased;
            frame = &mut close => break frame.ok().flatten(),
            Some(message) = queue.recv() => send(&mut sink, connection, message).await?,
        }
    };
    queue.close();
    while let Some(message) = queue.recv().await {
        send(&mut sink, connection, message).await?;
    }
    sink.send(Message::Close(frame)).await?;
    Ok(sink)
}

/// Sends one text message in as many frames as it needs.
async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    sink: &mut Outgoing<S>,
    connection: &Connection,
    message: OutgoingMessage,
) -> Result<(), Error> {
    let mut frames = message.text.as_bytes().chunks(LONGEST_FRAME).peekable();
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

/// Reads and discards until the client closes its direction.
pub(super) async fn read_out<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut SplitStream<WebSocketStream<S>>,
) {
    while let Some(Ok(_)) = stream.next().await {}
}

/// Closes the gateway's direction and waits until the client closes its own.
///
/// Closing with unread bytes would reset the connection, and the client might miss the close frame.
pub(super) async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(
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
