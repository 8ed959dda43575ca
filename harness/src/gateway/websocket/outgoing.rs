//! The messages that wait for a client to read: bounded in number and in bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{
    connections::PostError,
    limits::{OUTGOING_BYTES, OUTGOING_MESSAGES},
};

/// The end of the queue that takes messages.
#[derive(Debug)]
pub(super) struct Outgoing {
    queue: mpsc::Sender<OutgoingMessage>,
    /// One permit per byte that may wait.
    room: Arc<Semaphore>,
}

/// The end of the queue from which messages are sent.
pub(crate) type OutgoingMessages = mpsc::Receiver<OutgoingMessage>;

/// A message that waits. It takes room until this is dropped.
#[derive(Debug)]
pub(crate) struct OutgoingMessage {
    pub(super) text: String,
    _room: Option<OwnedSemaphorePermit>,
}

/// Creates a queue.
pub(super) fn queue() -> (Outgoing, OutgoingMessages) {
    let (queue, messages) = mpsc::channel(OUTGOING_MESSAGES);
    let room = Arc::new(Semaphore::new(OUTGOING_BYTES));
    (Outgoing { queue, room }, messages)
}

impl Outgoing {
    /// Queues a message, unless there is no room.
    pub(super) fn post(&self, text: String) -> Result<(), PostError> {
        if self.queue.is_closed() {
            return Err(PostError::Gone);
        }
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(size(&text))
            .map_err(|_| PostError::Full)?;
        let message = OutgoingMessage {
            text,
            _room: Some(room),
        };
        self.queue.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PostError::Full,
            mpsc::error::TrySendError::Closed(_) => PostError::Gone,
        })
    }

    /// Queues a message, waiting for room. Drops it if the client is gone, which frees the room.
    pub(super) async fn wait_and_post(&self, text: String) {
        let room = Arc::clone(&self.room).acquire_many_owned(size(&text));
        // The semaphore is never closed, so there is always a permit.
        let room = room.await.ok();
        let _ = self.queue.send(OutgoingMessage { text, _room: room }).await;
    }
}

/// The room that a message takes. A reply may be longer than a message of the management API.
fn size(text: &str) -> u32 {
    u32::try_from(text.len().min(OUTGOING_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::gateway::websocket::limits::LONGEST_MESSAGE;

    #[tokio::test]
    async fn messages_wait_up_to_a_number_of_bytes() {
        let (outgoing, mut messages) = queue();
        let longest = "x".repeat(LONGEST_MESSAGE);
        for _ in 0..OUTGOING_BYTES / LONGEST_MESSAGE {
            assert_eq!(outgoing.post(longest.clone()), Ok(()));
        }
        assert_eq!(outgoing.post("x".to_owned()), Err(PostError::Full));
        let mut reply = Box::pin(outgoing.wait_and_post("reply".to_owned()));
        assert_eq!(reply.as_mut().now_or_never(), None);

        assert_eq!(messages.recv().await.unwrap().text, longest);
        reply.await;
        assert_eq!(outgoing.post("x".to_owned()), Ok(()));
        assert_eq!(outgoing.post(longest.clone()), Err(PostError::Full));
    }

    #[tokio::test]
    async fn messages_wait_up_to_a_number() {
        let (outgoing, messages) = queue();
        for _ in 0..OUTGOING_MESSAGES {
            assert_eq!(outgoing.post(String::new()), Ok(()));
        }
        assert_eq!(outgoing.post(String::new()), Err(PostError::Full));
        drop(messages);
        assert_eq!(outgoing.post(String::new()), Err(PostError::Gone));
        outgoing.wait_and_post("dropped".to_owned()).await;
    }
}
