//! `ping`: compares a client's positions with the heads, says whether the user looks at the chat,
//! and asks who else does. It also keeps the connection from being idle.
//!
//! ```json
//! {"action": "ping", "ref": "1", "positions": {"c": 41, "d": 7},
//!  "presence": "active", "watch": ["c"]}
//! {"event": "pong", "ref": "1", "heads": {"c": 42},
//!  "presence": {"grace": {"online": true}, "bob": {"lastSeen": "…"}},
//!  "read": {"c": {"ada": 41, "grace": 40}}}
//! ```
//!
//! Presence is not whether a user has a connection: a connection may be gone without a notice. It
//! is whether the user looked lately. A visible page renews it, and it ends by itself.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::{OptionFuture, join, try_join_all};
use serde::Serialize;

use crate::{
    domain::{Connection, ConversationId, Participant, Role, Seq, Timestamp, UserId},
    error::{InternalError, Rejection, RequestError},
    fields::{Fields, Looking, Positions, WatchList},
    log::head,
    mutant::mutant,
    ports::{Clock, Log, Participants, Presence, Presences, Subscriptions},
    rate_limit::ORDINARY_COST,
    reads::Reads,
    request::{Request, Route},
};

/// The positions that cost a further token. Each takes up to three calls.
const POSITIONS_OF_A_TOKEN: usize = 5;

/// How long a user counts as online after they looked. Pages renew it every four minutes.
const LEASE: Duration = Duration::from_secs(5 * 60 + 30);
/// In conversations with more participants, nobody sees who is online.
const MOST_SEEN: usize = 50;
/// The most bytes of positions in a reply, so that it fits into one frame with the presences of
/// users with the longest ids.
const READ_BYTES: usize = 12_000;
/// The last look at the chat is shown to the minute, in seconds.
const COARSE: u64 = 60;

/// Compares positions with heads, and looks who is there.
#[derive(Clone, Copy, Debug)]
pub struct Ping;

/// The heads of the conversations in which the client is behind. Other conversations are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "pong")]
pub struct Pong {
    /// The newest positions by conversation id.
    pub heads: BTreeMap<String, u64>,
    /// The other participants of the watched conversations by user id, if the client watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<BTreeMap<String, Seen>>,
    /// How far the participants of the watched conversations have read, by conversation id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<BTreeMap<String, Reads>>,
    /// `Some(false)` if the caller hides their presence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<bool>,
}

/// What others see of a user's presence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Seen {
    /// The user looks at the chat, or did a few minutes ago.
    Online {
        /// Always true.
        online: bool,
    },
    /// When the user last looked.
    Last {
        /// The time in RFC 3339, to the minute.
        last_seen: String,
    },
}

struct Command {
    positions: Vec<(ConversationId, Seq)>,
    looking: Option<Looking>,
    watch: Option<Vec<ConversationId>>,
}

impl Command {
    fn parse(fields: &Fields) -> Result<Self, Rejection> {
        let positions: Option<Positions> = fields.optional("positions")?;
        let watch: Option<WatchList> = fields.optional("watch")?;
        Ok(Self {
            positions: positions.map_or_else(Vec::new, |positions| positions.0),
            looking: fields.optional("presence")?,
            watch: watch.map(|watch| watch.0),
        })
    }
}

impl<P> Route<P> for Ping
where
    P: Log + Participants + Presences + Subscriptions + Clock + Sync,
{
    const NAME: &'static str = "ping";
    type Reply = Pong;

    /// A watched conversation costs as much as a request.
    fn cost(fields: &Fields) -> u32 {
        let watched = u32::try_from(fields.list_length("watch")).unwrap_or(u32::MAX);
        let positions = fields.optional("positions").ok().flatten();
        let number = positions.map_or(0, |Positions(positions)| positions.len());
        let positions = u32::try_from(number / POSITIONS_OF_A_TOKEN).unwrap_or(u32::MAX);
        ORDINARY_COST
            .saturating_add(watched)
            .saturating_add(positions)
    }

    async fn handle(ports: &P, request: &Request) -> Result<Pong, RequestError> {
        let Command {
            positions,
            looking,
            watch,
        } = Command::parse(&request.fields)?;

        let now = ports.now();
        let caller = request.caller(now)?;

        let renewed = renew(ports, request, &caller.user, looking, now);
        let watched = watch
            .as_ref()
            .map(|watch| Watched::read(ports, watch, &caller.user));
        let (renewed, watched) = join(renewed, OptionFuture::from(watched)).await;
        let (renewed, watched) = (renewed?, watched.transpose()?);

        let heads = newer_heads(ports, request.connection.as_ref(), &caller.user, &positions);
        let presences = watched
            .as_ref()
            .map(|watched| presences(ports, watched, &caller.user, now));
        let (heads, presences) = join(heads, OptionFuture::from(presences)).await;
        let (presence, own) = presences.transpose()?.unzip();

        let hides = renewed.or(own).is_some_and(|presence| !presence.shown);
        Ok(Pong {
            heads: heads?,
            presence,
            read: watched.map(|watched| watched.reads),
            shown: hides.then_some(false),
        })
    }
}

/// Records whether the user looks at the chat, if the client says so, and returns their presence.
async fn renew<P: Presences>(
    ports: &P,
    request: &Request,
    user: &UserId,
    looking: Option<Looking>,
    now: Timestamp,
) -> Result<Option<Presence>, InternalError> {
    let (Some(looking), Some(connection)) = (looking, &request.connection) else {
        return Ok(None);
    };
    let presence = match looking {
        Looking::Active => ports.look(user, &connection.id, now).await?,
        Looking::Away => ports.look_away(user, &connection.id, now).await?,
    };
    Ok(Some(presence))
}

/// The watched conversations in which the user is a participant.
#[derive(Debug, Default)]
struct Watched {
    /// The other participants of the small ones whose presence the user may see.
    others: Vec<UserId>,
    /// How far participants have read, by conversation id.
    reads: BTreeMap<String, Reads>,
}

impl Watched {
    /// Reads the participants of each conversation. The same read shows who they are, how far they
    /// have read, and whether the user is among them.
    async fn read<P: Participants>(
        ports: &P,
        watch: &[ConversationId],
        user: &UserId,
    ) -> Result<Self, InternalError> {
        let found = watch
            .iter()
            .map(|conversation| seen_by(ports, conversation, user));
        let mut watched = Self::default();
        let mut left = READ_BYTES;
        for (conversation, found) in watch.iter().zip(try_join_all(found).await?) {
            let Some((others, reads)) = found else {
                continue;
            };
            let mut reads = reads;
            reads.share(&mut left, user);
            watched.reads.insert(conversation.to_string(), reads);
            for other in others {
                if watched.others.len() < MOST_SEEN && !watched.others.contains(&other) {
                    watched.others.push(other);
                }
            }
        }
        Ok(watched)
    }
}

/// Returns the other participants of a conversation whose presence the user may see, none if it is
/// large, and what the user may see of how far they have read. Returns `None` if the user is not a participant.
async fn seen_by<P: Participants>(
    ports: &P,
    conversation: &ConversationId,
    user: &UserId,
) -> Result<Option<(Vec<UserId>, Reads)>, InternalError> {
    let few = ports.few_participants(conversation, MOST_SEEN).await?;
    let participants = few.unwrap_or_default();
    let mut takes_part = participants.iter().map(|participant| &participant.user);
    if !takes_part.any(|participant| participant == user) && !mutant!(WatchedByStrangers) {
        // A user who is not among few participants may be one of many. This is also asked if there
        // are few or none: a further call would tell a stranger that there are many.
        let own = ports.participant(conversation, user).await?;
        return Ok(own.map(|own| (Vec::new(), Reads::own(&own))));
    }
    let reads = Reads::of(&participants, user);
    let others = participants
        .into_iter()
        .filter(|participant| participant.user != *user && has_answered(participant));
    let others = others.map(|participant| participant.user).collect();
    Ok(Some((others, reads)))
}

/// Returns whether a participant has done something in the conversation that others may see: they
/// made it, or they have shown that they have read something in it. Any user can add another to a
/// conversation of their own, and must not learn by it whether the user is online (decision 6).
fn has_answered(participant: &Participant) -> bool {
    participant.role == Role::Owner
        || participant.read.shown_to > Seq::START
        || mutant!(SeenUnasked)
}

/// Returns what the user sees of the others, and the user's own presence. A user who hides sees
/// nobody.
async fn presences<P: Presences>(
    ports: &P,
    watched: &Watched,
    user: &UserId,
    now: Timestamp,
) -> Result<(BTreeMap<String, Seen>, Presence), InternalError> {
    let mut users = watched.others.clone();
    users.push(user.clone());
    let mut own = Presence::default();
    let mut seen = BTreeMap::new();
    for (found, presence) in ports.presences(&users).await? {
        if found == *user {
            own = presence;
        } else if let Some(shown) = Seen::of(presence, now) {
            seen.insert(found.to_string(), shown);
        }
    }
    if !own.shown && !mutant!(HiddenSeeOthers) {
        seen.clear();
    }
    Ok((seen, own))
}

impl Seen {
    /// Returns what others see, or `None` if the user hides or has never looked.
    fn of(presence: Presence, now: Timestamp) -> Option<Self> {
        let seen_at = presence.seen_at.filter(|_| presence.shown)?;
        // The lease of a page that closed without a word ends by itself.
        if presence.active && now.since(seen_at) < LEASE {
            return Some(Self::Online { online: true });
        }
        let minute = Timestamp::from_seconds(seen_at.seconds() / COARSE * COARSE);
        Some(Self::Last {
            last_seen: minute.rfc3339(),
        })
    }
}

/// Returns the heads of the conversations in which the user is behind.
///
/// Most conversations are quiet, and pings are most of all requests. So the read that finds this
/// out is cheap: it is eventually consistent, and asks for the entry behind each position. It is
/// made only for participants (decision 1): a place of the connection proves it, because only a
/// participant gets one, and a removal takes it. Only where there is such an entry, the head is
/// read, and participation is checked again.
async fn newer_heads<P: Log + Participants + Subscriptions>(
    ports: &P,
    connection: Option<&Connection>,
    user: &UserId,
    positions: &[(ConversationId, Seq)],
) -> Result<BTreeMap<String, u64>, InternalError> {
    if positions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut readable = match connection {
        Some(connection) => ports.places_of(&connection.id).await?,
        None => Vec::new(),
    };
    let others = positions.iter().map(|(conversation, _)| conversation);
    let others: Vec<ConversationId> = others
        .filter(|conversation| !readable.contains(conversation))
        .cloned()
        .collect();
    if !others.is_empty() {
        let found = ports.participations_of(user, &others).await?;
        readable.extend(found.into_iter().map(|(conversation, _)| conversation));
    }
    let next: Vec<(ConversationId, Seq)> = positions
        .iter()
        .filter(|(conversation, _)| readable.contains(conversation))
        .map(|(conversation, position)| (conversation.clone(), position.next()))
        .collect();
    if next.is_empty() {
        return Ok(BTreeMap::new());
    }
    let behind = ports.stored_at(&next).await?;
    let heads = behind
        .iter()
        .map(|(conversation, _)| head_for(ports, conversation, user));
    let heads = try_join_all(heads).await?;
    Ok(heads.into_iter().flatten().collect())
}

/// Returns the conversation's id and head, if the user is a participant after the head is read.
async fn head_for<P: Log + Participants>(
    ports: &P,
    conversation: &ConversationId,
    user: &UserId,
) -> Result<Option<(String, u64)>, InternalError> {
    let head = head(ports, conversation).await?;
    let participant = ports.participant(conversation, user).await?;
    Ok(participant.map(|_| (conversation.to_string(), head.number())))
}

#[cfg(test)]
mod tests;
