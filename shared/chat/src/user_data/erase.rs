//! Erasure: messages become deletions, names disappear, and rows of the user are deleted.

use std::{collections::BTreeMap, ops::AddAssign};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::{
    domain::{
        ConnectionId, Content, ConversationId, DisplayName, Draft, Entry, MessageId,
        ReactionChange, Revision, Seq, Timestamp, UserId,
    },
    error::{InternalError, Rejection, RequestError},
    fan_out::forget,
    log::{Tail, change, newest_tail, revise},
    ports::{
        Clock, Connections, Log, Own, Participants, Place, Random, Subscriptions, Trace, Traces,
    },
    routes::subscribe,
};

/// The user id that deletes the messages of an erased user. The log refuses entries of a user who
/// has been removed, so they cannot be by the erased user.
pub const ERASER: &str = "confab:erasure";

/// The conversations that are changed at the same time. The entries of one conversation follow one
/// another.
const WIDTH: usize = 16;

/// What a step has erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Erased {
    /// The conversations that the user was removed from.
    pub conversations: u64,
    /// The messages that were deleted.
    pub messages: u64,
    /// The entries whose display name was removed.
    pub names: u64,
    /// The rows of connections, subscriptions and settings that were deleted.
    pub rows: u64,
    /// The place from which the next step goes on; `None` if the end is reached.
    #[serde(skip)]
    pub next: Option<Place>,
    /// Whether the whole store was read.
    #[serde(skip)]
    pub done: bool,
}

impl Erased {
    /// Returns whether the step found nothing to erase.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.conversations + self.messages + self.names + self.rows == 0
    }
}

impl AddAssign<&Self> for Erased {
    fn add_assign(&mut self, more: &Self) {
        self.conversations += more.conversations;
        self.messages += more.messages;
        self.names += more.names;
        self.rows += more.rows;
    }
}

/// Erases what is stored of `user`, from `place` on and until `until` at the latest.
///
/// The user is removed from each conversation first, so that nothing of them can be stored there any
/// more. Then their messages are deleted, each with an entry in the log, as every deletion is.
/// Whatever was erased before is left alone, so a step may be repeated. A user who can still log in
/// may store something behind the place that was read, so the erasure is complete when a pass over
/// the whole store finds nothing.
///
/// # Errors
/// An [`InternalError`] if the store fails. What was erased by then stays erased.
pub async fn erase<P>(
    ports: &P,
    user: &UserId,
    place: Option<Place>,
    until: Timestamp,
) -> Result<Erased, InternalError>
where
    P: Traces + Log + Participants + Subscriptions + Connections + Clock + Random + Sync,
{
    let eraser = UserId::new(ERASER)
        .map_err(|error| InternalError::new("naming the eraser of a user", error))?;
    let erasure = Erasure {
        ports,
        user,
        eraser: &eraser,
        until,
    };
    let mut erased = Erased {
        next: place,
        ..Erased::default()
    };
    loop {
        let page = ports.traces_of(user, erased.next.as_ref()).await?;
        let complete = erasure.erase_all(page.traces, &mut erased).await?;
        if complete {
            erased.done = page.next.is_none();
            erased.next = page.next;
        }
        if erased.done || !complete || ports.now() >= until {
            return Ok(erased);
        }
    }
}

struct Erasure<'a, P> {
    ports: &'a P,
    user: &'a UserId,
    eraser: &'a UserId,
    until: Timestamp,
}

/// What one page has of the user in one conversation.
#[derive(Default)]
struct InConversation {
    is_participant: bool,
    entries: Vec<Entry>,
    subscriptions: Vec<ConnectionId>,
}

impl<P> Erasure<'_, P>
where
    P: Traces + Log + Participants + Subscriptions + Connections + Clock + Random + Sync,
{
    /// Erases all traces of a page. Returns whether that was possible in time.
    async fn erase_all(
        &self,
        traces: Vec<Trace>,
        erased: &mut Erased,
    ) -> Result<bool, InternalError> {
        let mut conversations = BTreeMap::<ConversationId, InConversation>::new();
        for trace in traces {
            match trace {
                // The id of the creator stays, as the ids of senders do.
                Trace::Created(_) => {}
                Trace::Entry(id, entry) => conversations.entry(id).or_default().entries.push(entry),
                Trace::Participation(id) => {
                    conversations.entry(id).or_default().is_participant = true;
                }
                Trace::Subscription(id, connection) => {
                    let of = conversations.entry(id).or_default();
                    of.subscriptions.push(connection);
                }
                Trace::Own(own) => {
                    if let Own::Connection(connection) = &own {
                        forget(self.ports, self.user, &connection.id, None).await?;
                    }
                    self.ports.delete_own(self.user, &own).await?;
                    erased.rows += 1;
                }
            }
        }
        let erasures: Vec<_> = conversations
            .into_iter()
            .map(|(id, found)| self.erase_in(id, found))
            .collect();
        let mut all = stream::iter(erasures).buffer_unordered(WIDTH);
        let mut complete = true;
        while let Some((more, whole)) = all.try_next().await? {
            *erased += &more;
            complete &= whole;
        }
        Ok(complete)
    }

    /// Erases what was found in one conversation. Returns whether that was possible in time.
    async fn erase_in(
        &self,
        id: ConversationId,
        found: InConversation,
    ) -> Result<(Erased, bool), InternalError> {
        let id = &id;
        let mut erased = Erased::default();
        let writes_log = found.is_participant || found.entries.iter().any(is_readable);
        let mut tail = Tail {
            entries: Vec::new(),
            head: Seq::START,
        };
        if writes_log {
            tail = newest_tail(self.ports, id).await?;
            match self.remove(id, &mut tail).await? {
                Some(removed) => erased.conversations += u64::from(removed),
                None => return Ok((erased, false)),
            }
        }
        for entry in found.entries {
            if self.ports.now() >= self.until {
                return Ok((erased, false));
            }
            if is_readable(&entry) {
                let content = Content::MessageDeleted { target: entry.seq };
                let draft = self.draft(self.eraser, content)?;
                let stored = revise(self.ports, id, draft, tail.clone(), self.until).await;
                match in_time(stored)? {
                    Some(Some(deletion)) => {
                        tail = behind(deletion.entry);
                        erased.messages += 1;
                    }
                    // Another user has deleted it since.
                    Some(None) => {}
                    None => return Ok((erased, false)),
                }
            }
            if self.names_user(&entry) {
                // First the row, which is found by its entry only.
                if let Some(ReactionChange::Given(reaction)) = entry.reaction() {
                    self.ports.remove_reaction_name(id, &reaction.key).await?;
                }
                self.ports.remove_name(id, entry.seq).await?;
                erased.names += 1;
            }
        }
        for connection in &found.subscriptions {
            subscribe::end(self.ports, id, self.user, connection).await?;
            erased.rows += 1;
        }
        Ok((erased, true))
    }

    /// Removes the user from a conversation, if they are a participant. Returns whether they were
    /// one, or `None` if there was no time.
    async fn remove(
        &self,
        id: &ConversationId,
        tail: &mut Tail,
    ) -> Result<Option<bool>, InternalError> {
        if self.ports.participant(id, self.user).await?.is_none() {
            return Ok(Some(false));
        }
        let content = Content::ParticipantRemoved {
            user: self.user.clone(),
            name: DisplayName::of(self.user, ""),
        };
        let draft = self.draft(self.user, content)?;
        let stored = change(self.ports, id, draft, tail.clone(), self.until).await;
        // The newest change of the user is a removal, which a reader may see before their row goes.
        if let Err(RequestError::Rejected(Rejection::NotFound)) = stored {
            return Ok(Some(false));
        }
        let Some(stored) = in_time(stored)? else {
            return Ok(None);
        };
        let removed = stored.is_some();
        if let Some(entry) = stored {
            *tail = behind(entry);
        }
        Ok(Some(removed))
    }

    fn draft(&self, sender: &UserId, content: Content) -> Result<Draft, InternalError> {
        let id = MessageId::new(self.ports.fresh_id())
            .map_err(|error| InternalError::new("naming an entry of an erasure", error))?;
        Ok(Draft::new(sender.clone(), id, self.ports.now(), content))
    }

    /// Returns whether the entry shows the display name of the user. A name that is equal to the id
    /// counts as removed.
    fn names_user(&self, entry: &Entry) -> bool {
        let named = entry.draft.content.named(&entry.draft.sender);
        named.is_some_and(|(user, name)| user == self.user && name.as_str() != user.as_str())
    }
}

/// Returns whether the entry is a message with a text.
fn is_readable(entry: &Entry) -> bool {
    matches!(
        &entry.draft.content,
        Content::Message { revision, .. } if !matches!(revision, Revision::Deleted { .. })
    )
}

/// Returns what the writer of the next entry has read: nothing can be stored between an entry and
/// the next one.
fn behind(entry: Entry) -> Tail {
    let head = entry.seq;
    Tail {
        entries: vec![entry],
        head,
    }
}

/// Returns `None` if others wrote until the time was over.
fn in_time<T>(stored: Result<T, RequestError>) -> Result<Option<T>, InternalError> {
    match stored {
        Ok(stored) => Ok(Some(stored)),
        Err(RequestError::Rejected(Rejection::Contended)) => Ok(None),
        Err(RequestError::Rejected(rejection)) => {
            Err(InternalError::new("erasing a user", rejection))
        }
        Err(RequestError::Internal(error)) => Err(error),
    }
}
