//! The contract of the storage ports, as tests for any implementation. Each test receives empty
//! stores, and is named after its rule in [`ports`](crate::ports).
//!
//! [`contract_tests!`](crate::contract_tests) runs all of them on one implementation.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs
)]

use std::future::Future;

pub mod changes;
pub mod connections;
pub mod log;
pub mod participants;
pub mod presences;
pub mod reactions;
pub mod receipts;
pub mod revisions;
pub mod subscriptions;
pub mod traces;

use crate::{
    domain::{
        Body, CONNECTION_LIFETIME, Connection, ConnectionId, Content, Conversation, ConversationId,
        Counters, Digest, DisplayName, Draft, Emoji, Entry, MessageId, Participant, ReactionKey,
        ReadState, Revision, Role, Seq, Subscription, Timestamp, Title, UserId,
    },
    ports::{
        Connections, Log, Participants, Presences, Reactions, Receipts, Subscriptions, Traces,
    },
};

/// The limit of participants with which stores must be configured for these tests.
pub const MOST_PARTICIPANTS: usize = 100;

/// An implementation, and an executor for its futures.
pub trait Stores {
    /// The implementation of all storage ports.
    type Ports: Log
        + Participants
        + Reactions
        + Receipts
        + Subscriptions
        + Connections
        + Presences
        + Traces;

    /// Returns the ports, empty at first.
    fn ports(&self) -> &Self::Ports;

    /// Runs a future to completion.
    fn run<F: Future>(&self, future: F) -> F::Output;
}

/// Defines a test for each rule of the contract. The expression creates new
/// [`Stores`](crate::contract::Stores) for each test.
#[macro_export]
macro_rules! contract_tests {
    ($stores:expr) => {
        $crate::contract_tests! { $stores =>
            log:
                an_entry_is_read_as_it_was_stored
                entries_must_be_ascending_and_without_omissions
                a_page_must_include_every_entry_stored_before_the_call
                a_page_has_at_most_a_megabyte_and_reports_more
                reading_back_is_descending_from_the_last_entry
                logs_are_kept_apart
                a_put_must_not_replace_an_existing_entry_and_must_return_it
                a_repeated_put_must_return_the_entry_that_it_stored
                of_concurrent_puts_one_wins_and_the_others_return_its_entry
                two_concurrent_writers_produce_one_dense_log;
            changes:
                a_change_of_participants_must_be_stored_together_with_the_row
                counters_are_stored_whether_or_not_the_newest_message_is_known
                if_the_position_is_taken_neither_entry_nor_row_must_be_stored
                a_change_without_effect_must_store_nothing
                a_repeated_change_must_return_the_entry_that_it_stored
                an_addition_beyond_the_limit_must_store_nothing
                concurrent_additions_do_not_exceed_the_limit
                concurrent_changes_and_messages_are_stored_once_and_rows_agree_with_the_log;
            revisions:
                an_edit_must_be_stored_together_with_the_message
                a_deletion_must_be_stored_together_with_the_message
                an_edit_or_a_deletion_of_a_deleted_message_must_store_nothing
                if_the_position_is_taken_the_message_must_stay
                a_repeated_edit_must_return_the_entry_that_it_stored
                an_edited_message_keeps_its_name_digest_and_counters
                every_entry_at_the_positions_must_be_returned_once
                positions_with_an_entry_are_told_from_others
                concurrent_edits_and_a_deletion_leave_the_message_that_the_log_says;
            reactions:
                a_reaction_must_be_stored_together_with_its_row
                a_reaction_without_effect_must_store_nothing
                if_the_position_is_taken_the_reaction_must_not_change
                a_repeated_reaction_must_return_the_entry_that_it_stored
                all_different_emoji_must_be_found
                reactions_must_be_descending_and_without_omissions
                reactions_are_kept_apart
                concurrent_reactions_are_stored_once_and_rows_agree_with_the_log;
            participants:
                a_conversation_is_stored_with_all_its_participants
                a_title_is_optional_and_91_participants_are_allowed
                creating_must_not_change_an_existing_conversation
                of_two_concurrent_creations_one_succeeds
                a_missing_conversation_is_not_found
                few_participants_are_all_unless_there_are_too_many
                participants_are_read_in_pages_ordered_by_user_id
                a_page_may_start_after_a_user_who_is_not_a_participant
                conversations_of_a_user_are_ordered_by_id
                listing_may_continue_after_a_conversation_the_user_left
                memberships_include_only_conversations_of_the_user
                fifty_memberships_are_read_at_once
                fifty_participations_are_read_at_once;
            receipts:
                a_position_must_only_grow
                a_private_receipt_must_not_change_what_others_see
                a_position_that_was_private_can_be_shown_later
                a_receipt_of_a_non_participant_must_store_nothing
                concurrent_receipts_leave_the_newest_position;
            subscriptions:
                the_roster_has_all_participants_and_all_subscriptions
                participants_must_be_read_before_subscriptions
                all_pages_together_must_be_the_roster
                in_each_page_participants_must_be_read_before_subscriptions
                a_small_roster_is_the_roster_unless_it_has_too_many_rows
                a_repeated_subscription_is_stored_once
                a_subscription_must_be_read_with_its_expiry
                an_expired_subscription_is_returned_until_it_is_deleted
                unsubscribing_deletes_one_subscription_if_it_exists
                subscriptions_to_many_conversations_are_stored_as_single_ones
                places_of_a_connection_are_those_that_it_claimed
                concurrent_claims_must_not_exceed_the_places_of_a_connection
                a_refused_claim_must_change_nothing
                a_released_place_can_be_claimed_again;
            presences:
                looking_and_looking_away_are_recorded
                looking_away_on_another_connection_must_change_nothing
                hiding_and_looking_must_not_change_each_other
                presences_of_many_users_are_read_at_once;
            connections:
                all_stored_connections_of_a_user_are_returned
                a_connection_must_be_read_with_its_expiry
                removing_deletes_one_connection_if_it_exists
                removing_a_connection_must_delete_its_subscriptions_to_these_conversations_and_no_others;
            traces:
                reading_on_to_the_end_must_find_everything_that_was_stored_of_the_user
                a_trace_of_another_user_must_not_be_found
                removing_a_name_must_change_nothing_else
                removing_the_name_of_a_reaction_must_change_nothing_else
                deleting_a_row_must_delete_no_other_except_the_places_of_a_connection;
        }
    };
    ($stores:expr => $($noun:ident: $($rule:ident)*;)*) => {
        $($(
            #[test]
            fn $rule() {
                let stores = $stores;
                let ports = $crate::contract::Stores::ports(&stores);
                let rule = $crate::contract::$noun::$rule(ports);
                $crate::contract::Stores::run(&stores, rule);
            }
        )*)*
    };
}

pub const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_123);

/// Reads all participants of a small conversation.
pub async fn all_participants(
    ports: &impl Participants,
    conversation: &ConversationId,
) -> Vec<Participant> {
    let page = ports.participants(conversation, None, 1_000).await.unwrap();
    assert!(!page.more);
    page.participants
}

pub fn conversation_id(text: &str) -> ConversationId {
    ConversationId::new(text).unwrap()
}

pub fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

pub fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

/// Places a draft, with counters that no other position has.
pub fn at(number: u64, draft: &Draft) -> Entry {
    let before = Counters {
        messages: number + 100,
        newest_message: Seq::new(number + 200),
        earlier: number % 2,
    };
    Entry::new(seq(number), before, draft.clone())
}

pub fn message(sender: &str, id: &str, body: &str) -> Draft {
    let content = Content::Message {
        name: DisplayName::fitted(&sender.to_uppercase()),
        body: Body::new(body).unwrap(),
        reply_to: None,
        revision: Revision::Original,
    };
    Draft::new(user(sender), MessageId::new(id).unwrap(), NOW, content)
}

/// Creates an entry that adds or removes a user.
pub fn change(id: &str, added: bool, of: &str) -> Draft {
    let (user, name) = (user(of), DisplayName::fitted(of));
    let content = if added {
        Content::ParticipantAdded { user, name }
    } else {
        Content::ParticipantRemoved { user, name }
    };
    Draft::new(self::user("ada"), MessageId::new(id).unwrap(), NOW, content)
}

/// Creates an edit of the message at `target`.
pub fn edit(sender: &str, id: &str, target: u64, body: &str) -> Draft {
    let content = Content::MessageEdited {
        target: seq(target),
        body: Some(Body::new(body).unwrap()),
    };
    Draft::new(user(sender), MessageId::new(id).unwrap(), NOW, content)
}

/// Creates a deletion of the message at `target`.
pub fn deletion(sender: &str, id: &str, target: u64) -> Draft {
    let content = Content::MessageDeleted {
        target: seq(target),
    };
    Draft::new(user(sender), MessageId::new(id).unwrap(), NOW, content)
}

/// Creates a reaction to the message at `target`, or its withdrawal.
pub fn reaction(sender: &str, id: &str, target: u64, emoji: &str, on: bool) -> Draft {
    let content = Content::Reaction {
        target: seq(target),
        emoji: Emoji::new(emoji).unwrap(),
        on,
        name: DisplayName::fitted(&sender.to_uppercase()),
    };
    Draft::new(user(sender), MessageId::new(id).unwrap(), NOW, content)
}

pub fn reaction_key(target: u64, emoji: &str, name: &str) -> ReactionKey {
    ReactionKey {
        target: seq(target),
        emoji: Emoji::new(emoji).unwrap(),
        user: user(name),
    }
}

pub fn conversation(id: &str, title: Option<&str>) -> Conversation {
    Conversation {
        id: conversation_id(id),
        title: title.map(|title| Title::new(title).unwrap()),
        created_at: NOW,
        created_by: user("ada"),
        digest: title.map(|title| Digest::of_creation(Title::new(title).ok().as_ref(), &[])),
    }
}

pub fn participant(name: &str) -> Participant {
    Participant {
        user: user(name),
        name: DisplayName::fitted(&name.to_uppercase()),
        role: if name == "ada" {
            Role::Owner
        } else {
            Role::Member
        },
        joined_at: NOW,
        read: ReadState::default(),
    }
}

pub fn connection(id: &str) -> Connection {
    connection_until(id, NOW.plus(CONNECTION_LIFETIME))
}

/// Creates a connection whose token ends at `end`.
pub fn connection_until(id: &str, end: Timestamp) -> Connection {
    Connection::new(ConnectionId::new(id).unwrap(), NOW, end)
}

pub fn subscription(name: &str, connection_id: &str) -> Subscription {
    Subscription {
        user: user(name),
        connection: connection(connection_id),
    }
}
