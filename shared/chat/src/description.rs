//! The description of a conversation: the reply of `createConversation` and `getConversation`.

use serde::Serialize;

use crate::{
    domain::{Conversation, Identity, Participant, Seq},
    error::{Rejection, RequestError},
    ports::Participants,
};

/// A conversation and its participants.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    /// Conversation id.
    pub id: String,
    /// The title.
    pub title: Option<String>,
    /// The newest position.
    pub head: u64,
    /// All participants.
    pub participants: Vec<Member>,
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
        participants: Vec<Participant>,
        head: u64,
        created: bool,
    ) -> Self {
        let member = |participant: &Participant| Member {
            user: participant.user.to_string(),
            name: participant.name.as_str().to_owned(),
            role: participant.role.as_str(),
        };
        Self {
            id: conversation.id.to_string(),
            title: conversation.title.map(|title| title.as_str().to_owned()),
            head,
            participants: participants.iter().map(member).collect(),
            created_at: conversation.created_at.rfc3339(),
            created,
        }
    }
}

/// Describes a conversation to a participant. Its participants are read last, so they show whether
/// the caller still is one (decision 1).
///
/// This reads all participants, so the caller must be checked before the call.
///
/// # Errors
/// `not_found` if the caller is not among the participants that were read.
pub(crate) async fn describe<P: Participants + Sync>(
    ports: &P,
    conversation: Conversation,
    head: Seq,
    caller: &Identity,
) -> Result<Described, RequestError> {
    let participants = ports.participants(&conversation.id).await?;
    if !participants
        .iter()
        .any(|participant| participant.user == caller.user)
    {
        return Err(Rejection::NotFound.into());
    }
    Ok(Described::new(
        conversation,
        participants,
        head.number(),
        false,
    ))
}
