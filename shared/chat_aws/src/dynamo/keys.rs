//! Keys and attribute names of the table. No other file knows how they are written.
//!
//! | pk | sk | owner |
//! | --- | --- | --- |
//! | `conversation#ID` | `about` | |
//! | `conversation#ID` | `event#000000000042` | |
//! | `conversation#ID` | `participant#USER` | `user#USER` |
//! | `conversation#ID` | `subscription#CONN` | `connection#CONN` |
//! | `user#USER` | `connection#CONN` | |

use chat::domain::{ConnectionId, ConversationId, Seq, UserId};

/// Partition key.
pub const PK: &str = "pk";
/// Sort key.
pub const SK: &str = "sk";
/// Partition key of the index [`BY_OWNER`]; rows without it are not in the index.
pub const OWNER: &str = "owner";
/// The index from users and connections to conversations; its sort key is [`PK`].
pub const BY_OWNER: &str = "by_owner";

/// Whose request an entry comes from: a user id.
pub const SENDER: &str = "sender";
/// The name that the sender gave his request.
pub const ID: &str = "id";
/// What the request said, digested.
pub const DIGEST: &str = "digest";
/// When it was first tried to be stored: milliseconds.
pub const SENT_AT: &str = "sent_at";
/// What happened: one of the `KIND_` words.
pub const KIND: &str = "kind";
/// A message.
pub const KIND_MESSAGE: &str = "message";
/// A user was added.
pub const KIND_ADDED: &str = "participant_added";
/// A user was removed.
pub const KIND_REMOVED: &str = "participant_removed";
/// The text of a message.
pub const BODY: &str = "body";
/// How a user is shown.
pub const NAME: &str = "name";
/// A user id.
pub const USER: &str = "user";
/// The title of a conversation.
pub const TITLE: &str = "title";
/// When a conversation was made: milliseconds.
pub const CREATED_AT: &str = "created_at";
/// Who made it: a user id.
pub const CREATED_BY: &str = "created_by";
/// What a participant may do.
pub const ROLE: &str = "role";
/// When a participant was added: milliseconds.
pub const JOINED_AT: &str = "joined_at";
/// When a handshake began: milliseconds.
pub const CONNECTED_AT: &str = "connected_at";
/// When DynamoDB may delete the row: **seconds**, as its times to live are.
pub const EXPIRES_AT: &str = "expires_at";

/// The sort key of what is known of a conversation apart from its log.
pub const ABOUT: &str = "about";

const CONVERSATION: &str = "conversation#";
const ENTRY: &str = "event#";
const PARTICIPANT: &str = "participant#";
const SUBSCRIPTION: &str = "subscription#";
const USER_PREFIX: &str = "user#";
const CONNECTION: &str = "connection#";

/// The first sort key of all participants; with [`ROSTER_LAST`] the range of participants and subscriptions, which are
/// neighbours in this order.
pub const ROSTER_FIRST: &str = PARTICIPANT;
/// Past the sort keys of all subscriptions: `$` is the character after `#`.
pub const ROSTER_LAST: &str = "subscription$";
/// How the sort keys of all participants begin.
pub const PARTICIPANTS: &str = PARTICIPANT;
/// How the sort keys of all connections begin.
pub const CONNECTIONS: &str = CONNECTION;
/// How the partition keys of all conversations begin.
pub const CONVERSATIONS: &str = CONVERSATION;

/// The partition of a conversation.
pub fn conversation(id: &ConversationId) -> String {
    format!("{CONVERSATION}{id}")
}

/// The sort key of an entry. Twelve digits make the order of texts that of numbers.
pub fn entry(seq: Seq) -> String {
    format!("{ENTRY}{:012}", seq.number())
}

/// The sort key of a participant.
pub fn participant(user: &UserId) -> String {
    format!("{PARTICIPANT}{user}")
}

/// The sort key of a subscription.
pub fn subscription(connection: &ConnectionId) -> String {
    format!("{SUBSCRIPTION}{connection}")
}

/// The partition of a user, and the owner of his participations.
pub fn user(id: &UserId) -> String {
    format!("{USER_PREFIX}{id}")
}

/// The sort key of a connection, and the owner of its subscriptions.
pub fn connection(id: &ConnectionId) -> String {
    format!("{CONNECTION}{id}")
}

/// The conversation of a partition key.
pub fn conversation_in(pk: &str) -> Option<ConversationId> {
    ConversationId::new(pk.strip_prefix(CONVERSATION)?).ok()
}

/// The position in an entry's sort key.
pub fn seq_in(sk: &str) -> Option<Seq> {
    Seq::new(sk.strip_prefix(ENTRY)?.parse().ok()?)
}

/// The user in a participant's sort key.
pub fn participant_in(sk: &str) -> Option<UserId> {
    UserId::new(sk.strip_prefix(PARTICIPANT)?).ok()
}

/// The connection in a subscription's sort key.
pub fn subscription_in(sk: &str) -> Option<ConnectionId> {
    ConnectionId::new(sk.strip_prefix(SUBSCRIPTION)?).ok()
}

/// The connection in a connection's sort key.
pub fn connection_in(sk: &str) -> Option<ConnectionId> {
    ConnectionId::new(sk.strip_prefix(CONNECTION)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_design() {
        let conversation_id = ConversationId::new("c").unwrap();
        let user_id = UserId::new("ada#1").unwrap();
        let connection_id = ConnectionId::new("BFaT_fALIAMCKug=").unwrap();
        let seq = Seq::new(42).unwrap();
        for (key, expected) in [
            (conversation(&conversation_id), "conversation#c"),
            (entry(seq), "event#000000000042"),
            (entry(Seq::MAX), "event#999999999999"),
            (participant(&user_id), "participant#ada#1"),
            (
                subscription(&connection_id),
                "subscription#BFaT_fALIAMCKug=",
            ),
            (user(&user_id), "user#ada#1"),
            (connection(&connection_id), "connection#BFaT_fALIAMCKug="),
        ] {
            assert_eq!(key, expected);
        }
        assert_eq!(conversation_in("conversation#c"), Some(conversation_id));
        assert_eq!(conversation_in("user#c"), None);
        assert_eq!(seq_in("event#000000000042"), Some(seq));
        assert_eq!(participant_in("participant#ada#1"), Some(user_id));
        assert_eq!(
            subscription_in("subscription#BFaT_fALIAMCKug="),
            Some(connection_id.clone())
        );
        assert_eq!(
            connection_in("connection#BFaT_fALIAMCKug="),
            Some(connection_id)
        );
    }

    #[test]
    fn the_roster_holds_every_participant_and_every_subscription_and_nothing_else() {
        let roster = ROSTER_FIRST..=ROSTER_LAST;
        for inside in [
            "participant#!",
            "participant#\u{1f600}",
            "subscription#!",
            "subscription#~~",
        ] {
            assert!(roster.contains(&inside), "{inside}");
        }
        for outside in [ABOUT, "event#999999999999"] {
            assert!(!roster.contains(&outside), "{outside}");
        }
    }
}
