//! The contract of the storage ports: what every implementation must do. A test of it is named after its sentence in
//! [`ports`](crate::ports), and is given stores in which nothing is yet.
//!
//! [`contract_tests!`](crate::contract_tests) runs all of it on an implementation.

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
pub mod subscriptions;

use crate::{
    domain::{
        Body, Connection, ConnectionId, Content, Conversation, ConversationId, DisplayName, Draft,
        MessageId, Participant, Role, Seq, Subscription, Timestamp, Title, UserId,
    },
    ports::{Connections, Log, Participants, Subscriptions},
};

/// An implementation, and what runs its futures.
pub trait Stores {
    /// Implements all storage ports.
    type Ports: Log + Participants + Subscriptions + Connections;

    /// The ports, empty at first.
    fn ports(&self) -> &Self::Ports;

    /// Runs a future to its end.
    fn run<F: Future>(&self, future: F) -> F::Output;
}

/// A test for each sentence of the contract, on the [`Stores`](crate::contract::Stores) that the expression makes anew
/// for each of them.
#[macro_export]
macro_rules! contract_tests {
    ($stores:expr) => {
        $crate::contract_tests! { $stores =>
            log:
                an_entry_is_read_as_it_was_stored
                entries_must_be_in_ascending_order_and_none_left_out
                a_read_must_include_every_entry_that_was_stored_before_it
                a_page_holds_at_most_a_megabyte_and_says_that_there_are_more
                reading_back_is_descending_from_the_last_entry
                logs_are_kept_apart
                a_put_must_not_replace_an_entry_that_is_there_and_must_answer_with_it
                a_repeated_put_must_be_answered_with_the_entry_that_it_stored
                of_puts_at_one_position_one_wins_and_all_others_learn_of_it
                two_writers_that_race_make_one_dense_log;
            changes:
                an_entry_that_tells_of_a_participant_must_be_stored_together_with_his_row
                or_not_at_all
                if_he_was_found_before_or_not_found_nothing_must_be_stored
                a_repeated_change_must_be_answered_with_the_entry_that_it_stored
                of_changes_and_messages_at_once_each_is_stored_once_and_rows_agree_with_the_log;
            participants:
                a_conversation_is_stored_with_all_its_participants
                a_conversation_needs_no_title_and_may_have_91_participants
                creating_must_not_change_a_conversation_that_exists
                of_two_that_create_a_conversation_one_does
                what_does_not_exist_is_not_found
                conversations_of_a_user_are_in_the_order_of_their_ids
                a_page_may_begin_after_a_conversation_that_is_none_of_the_user
                only_conversations_in_which_the_user_takes_part_are_confirmed
                fifty_conversations_are_confirmed_at_once;
            subscriptions:
                the_roster_is_all_participants_and_all_subscriptions
                participants_must_be_read_before_subscriptions
                a_subscription_that_is_stored_again_is_one
                a_stale_subscription_is_kept_until_it_is_deleted
                unsubscribing_deletes_one_subscription_if_it_is_there
                the_conversations_of_a_connection_are_those_it_is_subscribed_to;
            connections:
                connections_of_a_user_are_all_that_were_stored
                disconnecting_deletes_one_connection_if_it_is_there;
        }
    };
    ($stores:expr => $($noun:ident: $($sentence:ident)*;)*) => {
        $($(
            #[test]
            fn $sentence() {
                let stores = $stores;
                let ports = $crate::contract::Stores::ports(&stores);
                let sentence = $crate::contract::$noun::$sentence(ports);
                $crate::contract::Stores::run(&stores, sentence);
            }
        )*)*
    };
}

pub const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_123);

pub fn conversation_id(text: &str) -> ConversationId {
    ConversationId::new(text).unwrap()
}

pub fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

pub fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

pub fn message(sender: &str, id: &str, body: &str) -> Draft {
    let content = Content::Message {
        name: DisplayName::fitted(&sender.to_uppercase()),
        body: Body::new(body).unwrap(),
    };
    Draft::new(user(sender), MessageId::new(id).unwrap(), NOW, content)
}

/// Adds or removes a user, under a name of its own.
pub fn change(id: &str, added: bool, of: &str) -> Draft {
    let (user, name) = (user(of), DisplayName::fitted(of));
    let content = if added {
        Content::ParticipantAdded { user, name }
    } else {
        Content::ParticipantRemoved { user, name }
    };
    Draft::new(self::user("ada"), MessageId::new(id).unwrap(), NOW, content)
}

pub fn conversation(id: &str, title: Option<&str>) -> Conversation {
    Conversation {
        id: conversation_id(id),
        title: title.map(|title| Title::new(title).unwrap()),
        created_at: NOW,
        created_by: user("ada"),
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
    }
}

pub fn connection(id: &str) -> Connection {
    Connection {
        id: ConnectionId::new(id).unwrap(),
        connected_at: NOW,
    }
}

pub fn subscription(name: &str, connection_id: &str) -> Subscription {
    Subscription {
        user: user(name),
        connection: connection(connection_id),
    }
}
