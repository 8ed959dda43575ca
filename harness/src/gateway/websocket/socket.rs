//! The socket of one open connection, from its first message to its end.

use std::{future::Future, time::Duration};

use futures_util::StreamExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{oneshot, watch},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::WebSocketConfig};

use super::{
    connections::{Command, Connection, IncomingMessage, OpenConnection},
    ending::Ending,
    limits::{IDLE, LONGEST_FRAME, LONGEST_LIFE, LONGEST_MESSAGE},
    outgoing::OutgoingMessages,
    pump,
};
use crate::{faults, server};

/// The read buffer of a connection, in bytes. It is small because thousands of connections are
/// idle.
const READ_BUFFER: usize = 4 * 1024;
/// How long the client has to take queued messages and to answer the close frame.
const CLOSING: Duration = Duration::from_secs(2);

/// How a socket is read.
pub(super) fn configuration() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_frame_size(Some(LONGEST_FRAME))
        .max_message_size(Some(LONGEST_MESSAGE))
}

/// Carries messages in both directions until something ends the connection, then closes it.
///
/// `on_message` is called in the order of arrival and must not block.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    open: &OpenConnection,
    outgoing: OutgoingMessages,
    mut on_message: impl FnMut(IncomingMessage),
) -> Ending {
    let connection = open.connection.as_ref();
    let (sink, mut stream) = socket.split();
    let (close, close_asked) = oneshot::channel();
    let clock = connection.clock();
    let expires = clock.now() + LONGEST_LIFE;
    let half_open = watch::Sender::new(false);
    let mut writing = std::pin::pin!(unless(
        half_open.subscribe(),
        pump::write(sink, connection, outgoing, close_asked)
    ));
    let mut on_message = |message| {
        on_message(message);
        let fault = open.faults().on_message();
        half_open.send_replace(fault == Some(faults::Connection::HalfOpen));
        fault
    };
    let ending = tokio::select! {
        // The client's close comes before a deadline that passes at the same time.
        biased;
        ending = unless(half_open.subscribe(), pump::read(&mut stream, connection, &mut on_message)) => ending,
        _ = &mut writing => Ending::Lost,
        ending = commanded(connection, &half_open) => ending,
        () = connection.deleted() => Ending::Deleted,
        () = open.going_away() => Ending::GoingAway,
        () = clock.reaches(expires) => Ending::Expired,
        () = idle(connection) => Ending::Idle,
    };
    open.hide();
    match &ending {
        Ending::Lost => {}
        Ending::Closed(_) => {
            // Reading on makes the library answer the close frame.
            let _ = timeout(CLOSING, pump::read_out(&mut stream)).await;
        }
        // The reader cannot parse the rest, so it is read as plain bytes.
        Ending::TooLong | Ending::NotText | Ending::Violation => {
            let _ = close.send(ending.close_frame());
            let _ = timeout(CLOSING, async {
                if let Ok(sink) = writing.await {
                    pump::hang_up(sink, stream).await;
                }
            })
            .await;
        }
        Ending::Deleted | Ending::Idle | Ending::Expired | Ending::GoingAway | Ending::Binary => {
            let _ = close.send(ending.close_frame());
            // Both at once: a client may not read until the gateway reads.
            let _ = timeout(CLOSING, async {
                tokio::join!(writing, pump::read_out(&mut stream))
            })
            .await;
        }
    }
    ending
}

/// Runs `work` until `stopped` turns true. From then on it stays pending, and keeps what `work`
/// holds: the client must not notice.
async fn unless<T>(stopped: watch::Receiver<bool>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        () = server::turned_true(stopped) => {}
        done = &mut work => return done,
    }
    std::future::pending().await
}

/// Does what a developer asks for, until that ends the connection.
async fn commanded(connection: &Connection, half_open: &watch::Sender<bool>) -> Ending {
    let mut commands = connection.commands();
    // The sender is in the connection, so there is no error.
    while commands.changed().await.is_ok() {
        match *commands.borrow_and_update() {
            Some(Command::Cut) => return Ending::Lost,
            Some(Command::Idle) => return Ending::Idle,
            Some(Command::HalfOpen) => {
                half_open.send_replace(true);
            }
            None => {}
        }
    }
    std::future::pending().await
}

/// Resolves after [`IDLE`] without a message.
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
    use futures_util::SinkExt;
    use tokio::{
        io::{DuplexStream, duplex},
        sync::mpsc,
        time::{Instant, sleep},
    };
    use tokio_tungstenite::tungstenite::{
        Message,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    };

    use super::*;
    use crate::gateway::{
        moment::Moment,
        websocket::{Connections, limits::INCOMING_MESSAGES, session::Session},
    };

    type Client = WebSocketStream<DuplexStream>;

    /// Opens a connection on the paused clock of the runtime, which jumps to the next deadline when
    /// every task waits.
    async fn connection() -> (Client, tokio::task::JoinHandle<Ending>) {
        connection_with(drop).await
    }

    async fn connection_with(
        on_message: impl FnMut(IncomingMessage) + Send + 'static,
    ) -> (Client, tokio::task::JoinHandle<Ending>) {
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
        let running = tokio::spawn(async move { run(server, &open, outgoing, on_message).await });
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
    async fn a_connection_ends_after_ten_minutes_without_a_message_and_pings_do_not_count() {
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
    async fn a_busy_connection_ends_after_two_hours() {
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
    async fn the_socket_is_not_read_while_too_many_messages_are_in_progress() {
        let (taken, mut in_progress) = mpsc::unbounded_channel();
        let (mut client, _running) = connection_with(move |message| {
            let _ = taken.send(message);
        })
        .await;
        for number in 0..INCOMING_MESSAGES + 10 {
            client
                .send(Message::text(number.to_string()))
                .await
                .unwrap();
        }
        // The paused clock moves on only when every task waits.
        sleep(Duration::from_secs(1)).await;
        assert_eq!(in_progress.len(), INCOMING_MESSAGES);

        assert_eq!(in_progress.recv().await.unwrap().text, "0");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(in_progress.len(), INCOMING_MESSAGES);

        for number in 1..INCOMING_MESSAGES + 10 {
            assert_eq!(in_progress.recv().await.unwrap().text, number.to_string());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_ignores_the_close_frame_is_dropped() {
        let (client, running) = connection().await;
        // The client exists but does nothing, so only the clock can end the closing.
        assert_eq!(running.await.unwrap(), Ending::Idle);
        drop(client);
    }
}
