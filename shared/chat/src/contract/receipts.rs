use crate::{
    domain::{ConversationId, ReadState, Seq},
    ports::{Advanced, Log, Participants, Put, Receipt, Receipts},
};
use futures_util::future::join_all;

use super::{all_participants, at, change, conversation, participant, seq, user};

async fn created(ports: &impl Participants) -> ConversationId {
    let conversation = conversation("c", None);
    let rows = ["ada", "grace"].map(participant);
    assert!(ports.create(&conversation, &rows).await.unwrap());
    conversation.id
}

fn receipt(position: u64, private: bool) -> Receipt {
    Receipt {
        position: Seq::new(position).unwrap(),
        messages: position * 2,
        private,
    }
}

/// What a receipt returns: the position afterwards, whether it moved, and whether others see it.
fn advanced(position: u64, moved: bool, shown: bool) -> Option<Advanced> {
    Some(Advanced {
        read_to: Seq::new(position).unwrap(),
        messages: position * 2,
        moved,
        shown,
    })
}

async fn state(ports: &impl Participants, c: &ConversationId, name: &str) -> ReadState {
    let found = ports.participant(c, &user(name)).await.unwrap();
    found.unwrap().read
}

fn read(read_to: u64, shown_to: u64) -> ReadState {
    ReadState {
        read_to: Seq::new(read_to).unwrap(),
        messages: read_to * 2,
        shown_to: Seq::new(shown_to).unwrap(),
    }
}

pub async fn a_position_must_only_grow(ports: &(impl Receipts + Participants)) {
    let c = created(ports).await;
    assert_eq!(state(ports, &c, "ada").await, ReadState::default());
    // Position 0 moves nothing, not even at first.
    let ada = user("ada");
    for (position, expected) in [
        (0, advanced(0, false, false)),
        (7, advanced(7, true, true)),
        (7, advanced(7, false, false)),
        (6, advanced(7, false, false)),
        (0, advanced(7, false, false)),
        (12, advanced(12, true, true)),
        (9, advanced(12, false, false)),
    ] {
        let outcome = ports.advance(&c, &ada, receipt(position, false));
        assert_eq!(outcome.await.unwrap(), expected, "{position}");
    }
    assert_eq!(state(ports, &c, "ada").await, read(12, 12));
    assert_eq!(state(ports, &c, "grace").await, ReadState::default());
    // The rest of the row stays.
    let found = all_participants(ports, &c).await;
    let mut ada = participant("ada");
    ada.read = read(12, 12);
    assert_eq!(found, [ada, participant("grace")]);
}

pub async fn a_private_receipt_must_not_change_what_others_see(
    ports: &(impl Receipts + Participants),
) {
    let c = created(ports).await;
    let ada = user("ada");
    for (position, private, expected, state_after) in [
        (3, true, advanced(3, true, false), read(3, 0)),
        (5, false, advanced(5, true, true), read(5, 5)),
        (8, true, advanced(8, true, false), read(8, 5)),
        (8, true, advanced(8, false, false), read(8, 5)),
    ] {
        let outcome = ports.advance(&c, &ada, receipt(position, private));
        assert_eq!(outcome.await.unwrap(), expected, "{position}");
        assert_eq!(state(ports, &c, "ada").await, state_after, "{position}");
    }
}

pub async fn a_position_that_was_private_can_be_shown_later(
    ports: &(impl Receipts + Participants),
) {
    let c = created(ports).await;
    let ada = user("ada");
    let outcome = ports.advance(&c, &ada, receipt(8, true)).await.unwrap();
    assert_eq!(outcome, advanced(8, true, false));
    for (position, shown, state_after) in [
        (6, true, read(8, 6)),
        (5, false, read(8, 6)),
        (8, true, read(8, 8)),
        (8, false, read(8, 8)),
    ] {
        let outcome = ports.advance(&c, &ada, receipt(position, false));
        assert_eq!(outcome.await.unwrap(), advanced(8, false, shown));
        assert_eq!(state(ports, &c, "ada").await, state_after, "{position}");
    }
}

pub async fn a_receipt_of_a_non_participant_must_store_nothing(
    ports: &(impl Receipts + Participants + Log),
) {
    let c = created(ports).await;
    let (eve, grace) = (user("eve"), user("grace"));
    for private in [false, true] {
        for position in [0, 7] {
            let outcome = ports.advance(&c, &eve, receipt(position, private));
            assert_eq!(outcome.await.unwrap(), None);
        }
    }
    assert_eq!(ports.participant(&c, &user("eve")).await.unwrap(), None);
    let removal = change("1", false, "grace");
    assert_eq!(ports.put(&c, &at(1, &removal)).await.unwrap(), Put::Stored);
    let outcome = ports.advance(&c, &grace, receipt(7, false));
    assert_eq!(outcome.await.unwrap(), None);
    assert_eq!(
        all_participants(ports, &c).await,
        [participant("ada")],
        "no row is left"
    );
    // A user who is added again starts where they were added, and others see nothing of before.
    let addition = at(2, &change("2", true, "grace"));
    assert_eq!(ports.put(&c, &addition).await.unwrap(), Put::Stored);
    let grace = state(ports, &c, "grace").await;
    assert_eq!((grace.read_to, grace.shown_to), (seq(2), Seq::START));
}

pub async fn concurrent_receipts_leave_the_newest_position(ports: &(impl Receipts + Participants)) {
    let c = created(ports).await;
    let ada = user("ada");
    let receipts = (1..=9).map(|position| ports.advance(&c, &ada, receipt(position, false)));
    for outcome in join_all(receipts).await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(state(ports, &c, "ada").await, read(9, 9));
}
