use crate::{
    domain::{Conversation, ConversationId, Participant},
    ports::{ConversationPage, ParticipantPage, Participants},
};
use futures_util::future::join;

use super::{all_participants, conversation, conversation_id, participant, user};

async fn created(ports: &impl Participants, id: &str, users: &[&str]) -> Conversation {
    let conversation = conversation(id, Some("Lunch"));
    let rows: Vec<Participant> = users.iter().map(|user| participant(user)).collect();
    assert!(ports.create(&conversation, &rows).await.unwrap());
    conversation
}

pub async fn a_conversation_is_stored_with_all_its_participants(ports: &impl Participants) {
    let conversation = created(ports, "c", &["grace", "ada", "zoë 🦀", "Bob"]).await;
    let id = &conversation.id;
    assert_eq!(
        ports.conversation(id).await.unwrap(),
        Some(conversation.clone())
    );
    // Ordered by the bytes of the user id.
    let rows = ["Bob", "ada", "grace", "zoë 🦀"].map(participant);
    assert_eq!(all_participants(ports, id).await, rows);
    assert_eq!(
        ports.participant(id, &user("grace")).await.unwrap(),
        Some(participant("grace"))
    );
    assert_eq!(ports.participant(id, &user("grac")).await.unwrap(), None);
}

pub async fn a_title_is_optional_and_91_participants_are_allowed(ports: &impl Participants) {
    let conversation = conversation("c", None);
    let rows: Vec<Participant> = (0..91)
        .map(|n| participant(&format!("user-{n:02}")))
        .collect();
    assert!(ports.create(&conversation, &rows).await.unwrap());
    assert_eq!(
        ports.conversation(&conversation.id).await.unwrap(),
        Some(conversation.clone())
    );
    assert_eq!(all_participants(ports, &conversation.id).await, rows);
}

pub async fn few_participants_are_all_unless_there_are_too_many(ports: &impl Participants) {
    let c = created(ports, "c", &["grace", "ada", "bob"]).await.id;
    let all = ["ada", "bob", "grace"].map(participant).to_vec();
    for (most, expected) in [(2, None), (3, Some(&all)), (4, Some(&all))] {
        let found = ports.few_participants(&c, most).await.unwrap();
        assert_eq!(found.as_ref(), expected, "{most}");
    }
    let none = ports.few_participants(&conversation_id("none"), 3).await;
    assert_eq!(none.unwrap(), Some(Vec::new()));
}

pub async fn creating_must_not_change_an_existing_conversation(ports: &impl Participants) {
    let first = created(ports, "c", &["ada"]).await;
    let second = conversation("c", Some("Dinner"));
    assert!(
        !ports
            .create(&second, &["ada", "eve"].map(participant))
            .await
            .unwrap()
    );
    assert_eq!(
        ports.conversation(&first.id).await.unwrap(),
        Some(first.clone())
    );
    assert_eq!(
        all_participants(ports, &first.id).await,
        [participant("ada")]
    );
}

pub async fn of_two_concurrent_creations_one_succeeds(ports: &impl Participants) {
    let ((ada, ada_rows), (eve, eve_rows)) = (
        (conversation("c", Some("Lunch")), [participant("ada")]),
        (conversation("c", Some("Dinner")), [participant("eve")]),
    );
    let (first, second) = join(ports.create(&ada, &ada_rows), ports.create(&eve, &eve_rows)).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first, second);
    let (winner, rows) = if first {
        (ada, ada_rows)
    } else {
        (eve, eve_rows)
    };
    assert_eq!(
        ports.conversation(&winner.id).await.unwrap(),
        Some(winner.clone())
    );
    assert_eq!(all_participants(ports, &winner.id).await, rows);
}

pub async fn a_missing_conversation_is_not_found(ports: &impl Participants) {
    let id = conversation_id("c");
    assert_eq!(ports.conversation(&id).await.unwrap(), None);
    assert_eq!(ports.participant(&id, &user("ada")).await.unwrap(), None);
    assert_eq!(all_participants(ports, &id).await, []);
    assert_eq!(ports.memberships_of(&user("ada"), &[id]).await.unwrap(), []);
    assert_eq!(ports.memberships_of(&user("ada"), &[]).await.unwrap(), []);
}

pub async fn conversations_of_a_user_are_ordered_by_id(ports: &impl Participants) {
    for (id, users) in [
        ("c-2", ["ada", "grace"].as_slice()),
        ("c-10", &["ada"]),
        ("C", &["ada"]),
        ("other", &["grace"]),
        ("c-1", &["ada"]),
    ] {
        created(ports, id, users).await;
    }
    let expected = ["C", "c-1", "c-10", "c-2"].map(conversation_id);
    for limit in 1..=5 {
        let mut found: Vec<ConversationId> = Vec::new();
        loop {
            let page = ports
                .conversations_of(&user("ada"), found.last(), limit)
                .await
                .unwrap();
            let ConversationPage {
                conversations,
                more,
            } = page;
            assert!(conversations.len() <= limit);
            found.extend(conversations);
            assert_eq!(more, found.len() < expected.len(), "limit {limit}");
            if !more {
                break;
            }
        }
        assert_eq!(found, expected, "limit {limit}");
    }
}

pub async fn listing_may_continue_after_a_conversation_the_user_left(ports: &impl Participants) {
    created(ports, "b", &["grace"]).await;
    created(ports, "c", &["ada"]).await;
    for (after, expected) in [
        ("a", ["c"].as_slice()),
        ("b", &["c"]),
        ("c", &[]),
        ("d", &[]),
    ] {
        let after = conversation_id(after);
        let page = ports
            .conversations_of(&user("ada"), Some(&after), 10)
            .await
            .unwrap();
        let expected: Vec<ConversationId> = expected.iter().map(|id| conversation_id(id)).collect();
        assert_eq!(
            page,
            ConversationPage {
                conversations: expected,
                more: false
            },
            "{after}"
        );
    }
}

pub async fn participants_are_read_in_pages_ordered_by_user_id(ports: &impl Participants) {
    let users = ["zoë 🦀", "ada", "a", "Bob", "ada lovelace", "grace#1"];
    let c = created(ports, "c", &users).await.id;
    // One id is a prefix of the other.
    created(ports, "c2", &["ada", "b"]).await;
    let expected = ["Bob", "a", "ada", "ada lovelace", "grace#1", "zoë 🦀"].map(participant);
    for limit in 1..=7 {
        let mut found: Vec<Participant> = Vec::new();
        loop {
            let after = found.last().map(|participant| participant.user.clone());
            let page = ports.participants(&c, after.as_ref(), limit).await.unwrap();
            assert!(page.participants.len() <= limit);
            found.extend(page.participants);
            assert_eq!(page.more, found.len() < expected.len(), "limit {limit}");
            if !page.more {
                break;
            }
        }
        assert_eq!(found, expected, "limit {limit}");
    }
}

pub async fn a_page_may_start_after_a_user_who_is_not_a_participant(ports: &impl Participants) {
    let c = created(ports, "c", &["ada", "grace"]).await.id;
    for (after, expected) in [
        ("a", ["ada", "grace"].as_slice()),
        ("ada", &["grace"]),
        ("bob", &["grace"]),
        ("grace", &[]),
        ("zoë", &[]),
        ("🦀", &[]),
    ] {
        let page = ports
            .participants(&c, Some(&user(after)), 10)
            .await
            .unwrap();
        let participants: Vec<Participant> =
            expected.iter().map(|user| participant(user)).collect();
        let more = false;
        assert_eq!(page, ParticipantPage { participants, more }, "{after}");
    }
}

pub async fn memberships_include_only_conversations_of_the_user(ports: &impl Participants) {
    let mine = created(ports, "mine", &["ada", "grace"]).await;
    created(ports, "other", &["grace"]).await;
    let asked = ["mine", "other", "none", "mine"].map(conversation_id);
    let found = ports.memberships_of(&user("ada"), &asked).await.unwrap();
    assert_eq!(found, [(mine, participant("ada"))]);
}

pub async fn fifty_memberships_are_read_at_once(ports: &impl Participants) {
    let ids: Vec<String> = (0..50).map(|number| format!("c-{number}")).collect();
    for id in &ids {
        created(ports, id, &["ada"]).await;
    }
    let ids: Vec<ConversationId> = ids.iter().map(|id| conversation_id(id)).collect();
    let mut found = ports.memberships_of(&user("ada"), &ids).await.unwrap();
    assert_eq!(found.len(), 50);
    found.dedup_by(|(one, _), (other, _)| one.id == other.id);
    assert_eq!(found.len(), 50);
}

pub async fn fifty_participations_are_read_at_once(ports: &impl Participants) {
    let ids: Vec<String> = (0..50).map(|number| format!("c-{number}")).collect();
    for (id, number) in ids.iter().zip(0..) {
        let users: &[&str] = if number % 2 == 0 {
            &["ada", "bob"]
        } else {
            &["bob"]
        };
        created(ports, id, users).await;
    }
    let ids: Vec<ConversationId> = ids.iter().map(|id| conversation_id(id)).collect();
    let mut found = ports.participations_of(&user("ada"), &ids).await.unwrap();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut expected: Vec<_> = ids
        .iter()
        .step_by(2)
        .map(|id| (id.clone(), participant("ada")))
        .collect();
    expected.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(found, expected);
}
