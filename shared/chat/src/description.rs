//! The description of a conversation: the reply of `createConversation` and `getConversation`.

use serde::Serialize;

use crate::{
    access::require_participant,
    domain::{Conversation, Identity, Participant, Seq, UserId},
    error::RequestError,
    ports::{ParticipantPage, Participants},
};

/// Participants on a page.
pub(crate) const PAGE: usize = 250;

/// A conversation and a page of its participants.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    /// Conversation id.
    pub id: String,
    /// The title.
    pub title: Option<String>,
    /// The newest position.
    pub head: u64,
    /// The participants on this page, ordered by user id.
    pub participants: Vec<Member>,
    /// The parameter for the next page; `None` on the last page.
    pub next: Option<String>,
    /// When the conversation was created, in RFC 3339.
    pub created_at: String,
    /// Whether this request created the conversation.
    #[serde(skip)]
    pub created: bool,
}

/// A participant.
#[derive(Clone, Debug, Serialize)]
pub struct Member {
    /// User id.
    pub user: String,
    /// Display name.
    pub name: String,
    /// `owner` or `member`.
    pub role: &'static str,
}

impl Described {
    pub(crate) fn new(
        conversation: Conversation,
        ParticipantPage { participants, more }: ParticipantPage,
        head: u64,
        created: bool,
    ) -> Self {
        let last = participants.last().filter(|_| more);
        let member = |participant: &Participant| Member {
            user: participant.user.to_string(),
            name: participant.name.as_str().to_owned(),
            role: participant.role.as_str(),
        };
        Self {
            id: conversation.id.to_string(),
            title: conversation.title.map(|title| title.as_str().to_owned()),
            head,
            next: last.map(|last| last.user.to_string()),
            participants: participants.iter().map(member).collect(),
            created_at: conversation.created_at.rfc3339(),
            created,
        }
    }
}

/// Describes a conversation to a participant, with the participants after `after`. They are read
/// last, so they show whether the caller still is one (decision 1); if the page does not include
/// the caller, another read does.
///
/// This reads a page of participants, so the caller must be checked before the call.
///
/// # Errors
/// `not_found` if the caller is not a participant any more.
pub(crate) async fn describe<P: Participants + Sync>(
    ports: &P,
    conversation: Conversation,
    head: Seq,
    caller: &Identity,
    after: Option<&UserId>,
) -> Result<Described, RequestError> {
    let page = ports.participants(&conversation.id, after, PAGE).await?;
    let mut users = page.participants.iter().map(|found| &found.user);
    if !users.any(|user| *user == caller.user) {
        require_participant(ports, &conversation.id, &caller.user).await?;
    }
    Ok(Described::new(conversation, page, head.number(), false))
}
