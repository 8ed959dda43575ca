//! `GET /conversations/{id}`: the answer of `POST /conversations`, with the true head.

use futures_util::future::try_join;
use serde::Serialize;

use crate::{
    domain::{Conversation, ConversationId, Identity, Participant, UserId},
    error::{Rejection, RequestError},
    log::head,
    ports::{Clock, Log, Participants},
    request::{Request, Route},
};

/// Describes a conversation.
#[derive(Clone, Copy, Debug)]
pub struct GetConversation;

/// A conversation and who takes part in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    /// Conversation id.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// Its newest position.
    pub head: u64,
    /// Everyone in it.
    pub participants: Vec<Member>,
    /// When it was made, in RFC 3339.
    pub created_at: String,
    /// Whether it was made by this very request.
    #[serde(skip)]
    pub created: bool,
    #[serde(skip)]
    users: Vec<UserId>,
}

/// One who takes part.
#[derive(Clone, Debug, Serialize)]
pub struct Member {
    /// User id.
    pub user: String,
    /// How he is shown.
    pub name: String,
    /// `owner` or `member`.
    pub role: &'static str,
}

impl Described {
    pub(super) fn new(
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
            users: participants
                .into_iter()
                .map(|participant| participant.user)
                .collect(),
        }
    }

    pub(super) fn users(&self) -> Vec<UserId> {
        self.users.clone()
    }
}

impl<P> Route<P> for GetConversation
where
    P: Log + Participants + Clock + Sync,
{
    const NAME: &'static str = "getConversation";
    type Reply = Described;

    async fn handle(ports: &P, request: &Request) -> Result<Described, RequestError> {
        let id: ConversationId = request.fields.required("conversation")?;
        let caller = request.caller(ports.now())?;
        let known = ports.conversation(&id).await?.ok_or(Rejection::NotFound)?;
        describe(ports, known, caller).await
    }
}

/// A conversation as its participants see it: the caller must be among those who are read.
pub(super) async fn describe<P: Log + Participants + Sync>(
    ports: &P,
    conversation: Conversation,
    caller: &Identity,
) -> Result<Described, RequestError> {
    let (participants, head) = try_join(
        ports.participants(&conversation.id),
        head(ports, &conversation.id),
    )
    .await?;
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
