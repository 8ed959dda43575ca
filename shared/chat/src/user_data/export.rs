//! Export: everything of a user as records, in the words of the protocol.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    domain::{Conversation, ConversationId, Participant, Seq, Timestamp, UserId},
    error::InternalError,
    ports::{Clock, Own, Participants, Place, Trace, Traces},
    wire::WireEntry,
};

/// The conversations that one read of memberships may name.
const MEMBERSHIPS: usize = 50;
/// The length of the records after which a step ends. Lambda returns at most 6 MB, and the traces of
/// one page take at most about 3 MB as JSON.
const STEP_BYTES: usize = 2_000_000;

/// What a step has exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// The records, each with the member `record` that names its kind.
    pub records: Vec<Value>,
    /// The place from which the next step goes on; `None` if the end is reached.
    pub next: Option<Place>,
    /// Whether the whole store was read.
    pub done: bool,
}

/// Exports what is stored of `user`, from `place` on and until `until` at the latest. It changes
/// nothing.
///
/// # Errors
/// An [`InternalError`] if the store fails.
pub async fn export<P>(
    ports: &P,
    user: &UserId,
    place: Option<Place>,
    until: Timestamp,
) -> Result<Export, InternalError>
where
    P: Traces + Participants + Clock + Sync,
{
    let mut export = Export {
        next: place,
        ..Export::default()
    };
    let mut bytes = 0;
    loop {
        let page = ports.traces_of(user, export.next.as_ref()).await?;
        for record in records(ports, user, page.traces).await? {
            bytes += record.to_string().len();
            export.records.push(record);
        }
        export.done = page.next.is_none();
        export.next = page.next;
        if export.done || bytes >= STEP_BYTES || ports.now() >= until {
            return Ok(export);
        }
    }
}

async fn records(
    ports: &impl Participants,
    user: &UserId,
    traces: Vec<Trace>,
) -> Result<Vec<Value>, InternalError> {
    let joined: Vec<ConversationId> = traces
        .iter()
        .filter_map(|trace| match trace {
            Trace::Participation(id) => Some(id.clone()),
            _ => None,
        })
        .collect();
    let mut memberships = BTreeMap::new();
    for some in joined.chunks(MEMBERSHIPS) {
        for (conversation, participant) in ports.memberships_of(user, some).await? {
            memberships.insert(conversation.id.clone(), (conversation, participant));
        }
    }
    let records = traces.into_iter().filter_map(|trace| match trace {
        Trace::Created(conversation) => Some(created(&conversation)),
        Trace::Entry(id, entry) => Some(json!({
            "record": "entry",
            "entry": WireEntry::new(&id, &entry),
        })),
        // The user may have left since.
        Trace::Participation(id) => memberships
            .get(&id)
            .map(|(conversation, participant)| participation(conversation, participant)),
        Trace::Subscription(id, connection) => Some(json!({
            "record": "subscription",
            "conversation": id.as_str(),
            "connection": connection.as_str(),
        })),
        Trace::Own(own) => Some(own_row(&own)),
    });
    Ok(records.collect())
}

fn created(conversation: &Conversation) -> Value {
    json!({
        "record": "created",
        "conversation": conversation.id.as_str(),
        "title": conversation.title.as_ref().map(|title| title.as_str()),
        "createdAt": conversation.created_at.rfc3339(),
    })
}

fn participation(conversation: &Conversation, participant: &Participant) -> Value {
    json!({
        "record": "participation",
        "conversation": conversation.id.as_str(),
        "title": conversation.title.as_ref().map(|title| title.as_str()),
        "name": participant.name.as_str(),
        "role": participant.role.as_str(),
        "joinedAt": participant.joined_at.rfc3339(),
        "readTo": position(participant.read.read_to),
        "shownTo": position(participant.read.shown_to),
    })
}

fn own_row(own: &Own) -> Value {
    match own {
        Own::Connection(connection) => json!({
            "record": "connection",
            "connection": connection.id.as_str(),
            "connectedAt": connection.connected_at.rfc3339(),
            "expiresAt": connection.expires_at().rfc3339(),
        }),
        Own::Presence(presence) => json!({
            "record": "presence",
            "seenAt": presence.seen_at.map(Timestamp::rfc3339),
            "active": presence.active,
            "shown": presence.shown,
        }),
        Own::Unknown(name) => json!({"record": "unknown", "row": name}),
    }
}

fn position(seq: Seq) -> Option<u64> {
    (seq > Seq::START).then(|| seq.number())
}
