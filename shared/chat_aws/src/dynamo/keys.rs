//! Keys and attribute names of the table. No other file knows their formats.
//!
//! | pk | sk | owner |
//! | --- | --- | --- |
//! | `conversation#ID` | `about` | |
//! | `conversation#ID` | `event#000000000042` | |
//! | `conversation#ID` | `emoji#000000000041#HEX#USER` | |
//! | `conversation#ID` | `participant#USER` | `user#USER` |
//! | `conversation#ID` | `viewer#USER␟CONN` | |
//! | `conversation#ID` | `subscription#CONN` | `connection#CONN` | (of an earlier version) |
//! | `user#USER` | `connection#CONN` | |
//! | `user#USER` | `presence` | |
//! | `connection#CONN` | `places` | |

use std::fmt::Write as _;

use chat::domain::{ConnectionId, ConversationId, Emoji, ReactionKey, Seq, UserId};

/// The partition key.
pub const PK: &str = "pk";
/// The sort key.
pub const SK: &str = "sk";
/// The partition key of the index [`BY_OWNER`]. Rows without it are not in the index.
pub const OWNER: &str = "owner";
/// The index from users and connections to conversations. Its sort key is [`PK`].
pub const BY_OWNER: &str = "by_owner";

/// The user id of an entry's sender.
pub const SENDER: &str = "sender";
/// The id that the sender gave the request.
pub const ID: &str = "id";
/// The digest of the request's content.
pub const DIGEST: &str = "digest";
/// When the first attempt to store the entry began, in milliseconds.
pub const SENT_AT: &str = "sent_at";
/// The number of messages up to and including an entry. Missing in entries of earlier versions.
pub const MESSAGES: &str = "messages";
/// The position of the newest message before an entry that is not a message itself; missing if it
/// is not known.
pub const NEWEST_MESSAGE: &str = "newest_message";
/// The number of messages up to the newest entry of an earlier version; missing if there is none.
pub const EARLIER: &str = "earlier";
/// The kind of an entry.
pub const KIND: &str = "kind";
/// The text of a message.
pub const BODY: &str = "body";
/// The position of the message that an entry edits, deletes or reacts to.
pub const TARGET: &str = "target";
/// The position of the newest edit of a message.
pub const EDITED_SEQ: &str = "edited_seq";
/// When that edit was made, in milliseconds.
pub const EDITED_AT: &str = "edited_at";
/// The position of the deletion of a message. Such a message has no body.
pub const DELETED_SEQ: &str = "deleted_seq";
/// The user id of the participant who deleted a message.
pub const DELETED_BY: &str = "deleted_by";
/// The position of the message that a message replies to.
pub const REPLY_TO: &str = "reply_to";
/// The emoji of a reaction.
pub const EMOJI: &str = "emoji";
/// Whether an entry adds a reaction or withdraws it.
pub const ON: &str = "on";
/// The position of the entry that stored a reaction's row.
pub const SEQ: &str = "seq";
/// A display name.
pub const NAME: &str = "name";
/// A user id.
pub const USER: &str = "user";
/// The title of a conversation.
pub const TITLE: &str = "title";
/// When a conversation was created, in milliseconds.
pub const CREATED_AT: &str = "created_at";
/// The user id of the creator.
pub const CREATED_BY: &str = "created_by";
/// The role of a participant.
pub const ROLE: &str = "role";
/// When a participant was added, in milliseconds.
pub const JOINED_AT: &str = "joined_at";
/// The position up to which a participant has read. Missing if they have read nothing.
pub const READ_TO: &str = "read_to";
/// The number of messages up to [`READ_TO`].
pub const READ_MESSAGES: &str = "read_messages";
/// The position up to which others see that a participant has read.
pub const SHOWN_TO: &str = "shown_to";
/// When a user said last that they look at the chat or look away, in milliseconds.
pub const SEEN_AT: &str = "seen_at";
/// Whether a user looks at the chat.
pub const ACTIVE: &str = "active";
/// The connection on which a user looked last.
pub const DEVICE: &str = "device";
/// Whether others may see a user's presence. Missing if they may.
pub const SHOWN: &str = "shown";
/// When a connection's handshake began, in milliseconds.
pub const CONNECTED_AT: &str = "connected_at";
/// When the row ceases to have an effect and DynamoDB may delete it, in **seconds**, as DynamoDB
/// requires.
pub const EXPIRES_AT: &str = "expires_at";

/// The number of participants of a conversation, in its own row.
pub const PARTICIPANT_COUNT: &str = "participants";
/// The ids of the conversations for which a connection has a place: a set of strings.
pub const CONVERSATION_IDS: &str = "conversations";

/// The sort key of the row with the places of a connection.
pub const PLACES: &str = "places";
/// The sort key of the row with a user's presence.
pub const PRESENCE: &str = "presence";
/// The sort key of a conversation's own row.
pub const ABOUT: &str = "about";

const CONVERSATION: &str = "conversation#";
const ENTRY: &str = "event#";
const REACTION: &str = "emoji#";
const PARTICIPANT: &str = "participant#";
const SUBSCRIPTION: &str = "viewer#";
/// The prefix of the rows of earlier versions, which have the connection in their key but not the
/// user. They are read until they expire.
const EARLIER_SUBSCRIPTION: &str = "subscription#";
/// Stands between user and connection. It sorts before every character of a user id, so
/// subscriptions sort like their users.
const SEPARATOR: char = '\u{1f}';
/// The character after the separator.
const AFTER_SEPARATOR: char = ' ';
const USER_PREFIX: &str = "user#";
const CONNECTION: &str = "connection#";

/// The start of the range of participants and subscriptions, which are adjacent in this order. It
/// ends at [`ROSTER_LAST`].
pub const ROSTER_FIRST: &str = PARTICIPANT;
/// Sorts after all subscriptions: `$` is the character after `#`.
pub const ROSTER_LAST: &str = "viewer$";
/// The prefix of the sort keys of subscriptions.
pub const SUBSCRIPTIONS: &str = SUBSCRIPTION;
/// The prefix of the sort keys of participants.
pub const PARTICIPANTS: &str = PARTICIPANT;
/// The prefix of the sort keys of connections.
pub const CONNECTIONS: &str = CONNECTION;
/// The prefix of the partition keys of conversations.
pub const CONVERSATIONS: &str = CONVERSATION;

/// Returns the partition key of a conversation.
pub fn conversation(id: &ConversationId) -> String {
    format!("{CONVERSATION}{id}")
}

/// Returns the sort key of an entry. With twelve digits, keys sort like numbers.
pub fn entry(seq: Seq) -> String {
    format!("{ENTRY}{:012}", seq.number())
}

/// Returns the sort key of a reaction. It begins with the message and the emoji, so that each
/// message, and each emoji of it, is one range.
pub fn reaction(key: &ReactionKey) -> String {
    let ReactionKey {
        target,
        emoji,
        user,
    } = key;
    format!("{}{}#{user}", reactions_first(*target), hex(emoji))
}

/// Sorts before all reactions to a message.
pub fn reactions_first(target: Seq) -> String {
    format!("{REACTION}{:012}#", target.number())
}

/// Sorts after all reactions to a message: `$` is the character after `#`.
pub fn reactions_last(target: Seq) -> String {
    format!("{REACTION}{:012}$", target.number())
}

/// Sorts after all reactions to a message with this emoji.
pub fn reactions_after(target: Seq, emoji: &Emoji) -> String {
    format!("{}{}$", reactions_first(target), hex(emoji))
}

/// Returns the bytes of an emoji in hexadecimal digits, in which no separator occurs.
fn hex(emoji: &Emoji) -> String {
    let mut digits = String::new();
    for byte in emoji.as_str().bytes() {
        // Cannot fail: a string takes any text.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn emoji_in(hex: &str) -> Option<Emoji> {
    let digits = hex.as_bytes().chunks(2);
    let bytes = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let text = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
    Some(Emoji::from_stored(text))
}

/// Returns the sort key of a participant.
pub fn participant(user: &UserId) -> String {
    format!("{PARTICIPANT}{user}")
}

/// Returns the sort key of a subscription.
pub fn subscription(user: &UserId, connection: &ConnectionId) -> String {
    format!("{SUBSCRIPTION}{user}{SEPARATOR}{connection}")
}

/// Sorts after the subscriptions of a user, and before those of the next user.
pub fn subscriptions_after(user: &UserId) -> String {
    format!("{SUBSCRIPTION}{user}{AFTER_SEPARATOR}")
}

/// Returns the partition key of a user, which is also the owner of the user's participant rows.
pub fn user(id: &UserId) -> String {
    format!("{USER_PREFIX}{id}")
}

/// Returns the sort key of a connection, which is also the owner of the connection's subscription
/// rows, and the partition key of its places.
pub fn connection(id: &ConnectionId) -> String {
    format!("{CONNECTION}{id}")
}

/// Parses the conversation in a partition key.
pub fn conversation_in(pk: &str) -> Option<ConversationId> {
    ConversationId::new(pk.strip_prefix(CONVERSATION)?).ok()
}

/// Parses the user in a partition key.
pub fn user_in(pk: &str) -> Option<UserId> {
    UserId::from_stored(pk.strip_prefix(USER_PREFIX)?).ok()
}

/// Parses the position in an entry's sort key.
pub fn seq_in(sk: &str) -> Option<Seq> {
    Seq::new(sk.strip_prefix(ENTRY)?.parse().ok()?)
}

/// Parses a reaction's sort key.
pub fn reaction_in(sk: &str) -> Option<ReactionKey> {
    let (target, rest) = sk.strip_prefix(REACTION)?.split_once('#')?;
    let (emoji, user) = rest.split_once('#')?;
    Some(ReactionKey {
        target: Seq::new(target.parse().ok()?)?,
        emoji: emoji_in(emoji)?,
        user: UserId::from_stored(user).ok()?,
    })
}

/// Parses the user in a participant's sort key.
pub fn participant_in(sk: &str) -> Option<UserId> {
    UserId::from_stored(sk.strip_prefix(PARTICIPANT)?).ok()
}

/// Parses the connection in a subscription's sort key.
pub fn subscription_in(sk: &str) -> Option<ConnectionId> {
    let connection = match sk.strip_prefix(SUBSCRIPTION) {
        Some(rest) => rest.rsplit_once(SEPARATOR)?.1,
        None => sk.strip_prefix(EARLIER_SUBSCRIPTION)?,
    };
    ConnectionId::new(connection).ok()
}

/// Parses the connection in a connection's sort key.
pub fn connection_in(sk: &str) -> Option<ConnectionId> {
    ConnectionId::new(sk.strip_prefix(CONNECTION)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_documented_formats() {
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
                subscription(&user_id, &connection_id),
                "viewer#ada#1\u{1f}BFaT_fALIAMCKug=",
            ),
            (user(&user_id), "user#ada#1"),
            (connection(&connection_id), "connection#BFaT_fALIAMCKug="),
        ] {
            assert_eq!(key, expected);
        }
        assert_eq!(conversation_in("conversation#c"), Some(conversation_id));
        assert_eq!(conversation_in("user#c"), None);
        assert_eq!(user_in("user#ada#1").as_ref(), Some(&user_id));
        assert_eq!(seq_in("event#000000000042"), Some(seq));
        assert_eq!(participant_in("participant#ada#1"), Some(user_id));
        for sk in [
            "viewer#ada#1\u{1f}BFaT_fALIAMCKug=",
            "subscription#BFaT_fALIAMCKug=",
        ] {
            assert_eq!(subscription_in(sk), Some(connection_id.clone()), "{sk:?}");
        }
        assert_eq!(
            connection_in("connection#BFaT_fALIAMCKug="),
            Some(connection_id)
        );
    }

    #[test]
    fn the_reactions_to_a_message_and_with_an_emoji_are_ranges() {
        let key = |target, emoji: &str, user: &str| ReactionKey {
            target: Seq::new(target).unwrap(),
            emoji: Emoji::new(emoji).unwrap(),
            user: UserId::new(user).unwrap(),
        };
        let text = reaction(&key(41, "👍", "ada#1"));
        assert_eq!(text, "emoji#000000000041#f09f918d#ada#1");
        // The second emoji begins with the first one.
        let keys = [
            key(40, "🦀", "\u{1f600}"),
            key(41, "👍", "#"),
            key(41, "👍", "\u{10ffff}"),
            key(41, "👍🏻", "ada"),
            key(41, "🦀", "ada"),
            key(42, "❤", "ada"),
        ];
        assert!(keys.is_sorted_by_key(reaction));
        for key in &keys {
            let sk = reaction(key);
            assert_eq!(reaction_in(&sk).as_ref(), Some(key));
            let seq = key.target;
            let of_message = reactions_first(seq)..=reactions_last(seq);
            assert!(of_message.contains(&sk) && !(ROSTER_FIRST..=ROSTER_LAST).contains(&&*sk));
            let after = reactions_after(seq, &key.emoji);
            for other in &keys {
                let is_later = other.target > seq || other.target == seq && other.emoji > key.emoji;
                assert_eq!(reaction(other) > after, is_later, "{key:?} {other:?}");
            }
        }
        for bad in [
            "emoji#",
            "emoji#41",
            "emoji#41#zz#ada",
            "emoji#41#f0#ada",
            "event#000000000041",
        ] {
            assert_eq!(reaction_in(bad), None, "{bad}");
        }
    }

    #[test]
    fn subscriptions_sort_like_their_users() {
        let connection = ConnectionId::new("c=").unwrap();
        let mut users =
            ["b", "a b", "a~", "a", "a#b", "a!", "a#"].map(|id| UserId::new(id).unwrap());
        users.sort();
        for (user, next) in users.iter().zip(&users[1..]) {
            assert!(subscription(user, &connection) < subscriptions_after(user));
            assert!(subscriptions_after(user) < subscription(next, &connection));
        }
    }

    #[test]
    fn the_roster_range_holds_exactly_the_participants_and_subscriptions() {
        let roster = ROSTER_FIRST..=ROSTER_LAST;
        for inside in [
            "participant#!",
            "participant#\u{1f600}",
            "subscription#!",
            "subscription#~~",
            "viewer#!",
            "viewer#\u{1f600}",
        ] {
            assert!(roster.contains(&inside), "{inside}");
        }
        for outside in [ABOUT, "event#999999999999", "emoji#", "file#"] {
            assert!(!roster.contains(&outside), "{outside}");
        }
    }
}
