use crate::{
    domain::{Connection, ConversationId, Subscription, Timestamp},
    ports::{Log, MOST_SUBSCRIPTIONS, Participants, Put, Roster, RosterPage, Subscriptions},
};

use std::{slice::from_ref, time::Duration};

use futures_util::future::{join, join_all};

use super::{
    NOW, at, change, connection, connection_until, conversation, conversation_id, message,
    participant, subscription, user,
};

pub async fn the_roster_has_all_participants_and_all_subscriptions(
    ports: &(impl Subscriptions + Participants + Log),
) {
    let id = conversation_id("c");
    assert_eq!(ports.roster(&id).await.unwrap(), Roster::default());

    let rows = ["ada", "zoë 🦀"].map(participant);
    assert!(ports.create(&conversation("c", None), &rows).await.unwrap());
    let put = ports
        .put(&id, &at(1, &message("ada", "m-1", "hi")))
        .await
        .unwrap();
    assert_eq!(put, Put::Stored);
    // The last subscriber is not a participant.
    let subscribers = [
        subscription("ada", "-ada="),
        subscription("ada", "_ada="),
        subscription("eve", "~eve="),
    ];
    for subscriber in &subscribers {
        ports.subscribe(&id, subscriber).await.unwrap();
    }
    ports
        .subscribe(&conversation_id("c2"), &subscription("ada", "other="))
        .await
        .unwrap();

    let roster = ports.roster(&id).await.unwrap();
    assert_eq!(roster.participants, ["ada", "zoë 🦀"].map(user));
    assert_eq!(roster.subscriptions, subscribers);
}

pub async fn a_small_roster_is_the_roster_unless_it_has_too_many_rows(
    ports: &(impl Subscriptions + Participants),
) {
    let id = conversation_id("c");
    let none = ports.small_roster(&id, 5).await.unwrap();
    assert_eq!(none, Some(Roster::default()));
    let rows = ["ada", "grace"].map(participant);
    assert!(ports.create(&conversation("c", None), &rows).await.unwrap());
    for name in ["a=", "b=", "c="] {
        ports
            .subscribe(&id, &subscription("ada", name))
            .await
            .unwrap();
    }
    let whole = ports.roster(&id).await.unwrap();
    for (most, expected) in [(4, None), (5, Some(&whole)), (6, Some(&whole))] {
        let found = ports.small_roster(&id, most).await.unwrap();
        assert_eq!(found.as_ref(), expected, "{most}");
    }
}

pub async fn participants_must_be_read_before_subscriptions(ports: &(impl Subscriptions + Log)) {
    let id = conversation_id("c");
    let names: Vec<String> = (0..24).map(|number| format!("user-{number:02}")).collect();
    // Each user subscribes, then becomes a participant. So every participant in a roster is also a
    // subscriber, unless subscriptions were read before participants.
    let writer = async {
        for (name, next) in names.iter().zip(1..) {
            ports
                .subscribe(&id, &subscription(name, name))
                .await
                .unwrap();
            let joins = change("joins", true, name);
            let put = ports.put(&id, &at(next, &joins)).await.unwrap();
            assert_eq!(put, Put::Stored);
        }
    };
    let reader = async {
        loop {
            let roster = ports.roster(&id).await.unwrap();
            let subscribers = roster.subscriptions.iter().map(|found| &found.user);
            let subscribers: Vec<_> = subscribers.collect();
            for user in &roster.participants {
                assert!(
                    subscribers.contains(&user),
                    "{user} is not among {subscribers:?}"
                );
            }
            if roster.participants.len() == names.len() {
                break;
            }
        }
    };
    join(writer, reader).await;
}

/// Reads all pages of a roster. Returns them with the number of pages.
async fn paged(ports: &impl Subscriptions, id: &ConversationId) -> (Roster, usize) {
    let (mut whole, mut pages, mut after) = (Roster::default(), 0, None);
    loop {
        let RosterPage { roster, next } = ports.roster_page(id, after.as_ref()).await.unwrap();
        whole.participants.extend(roster.participants);
        whole.subscriptions.extend(roster.subscriptions);
        pages += 1;
        after = next;
        if after.is_none() {
            return (whole, pages);
        }
    }
}

pub async fn all_pages_together_must_be_the_roster(ports: &(impl Subscriptions + Participants)) {
    let id = conversation_id("c");
    assert_eq!(paged(ports, &id).await, (Roster::default(), 1));
    // The order of keys must be that of users, whatever follows an id that begins others.
    let names = [
        "a",
        "a b",
        "a!",
        "a#",
        "a#b",
        "a-b",
        "a~",
        "aa",
        "b",
        "zoë 🦀",
    ];
    let rows = names.map(participant);
    assert!(ports.create(&conversation("c", None), &rows).await.unwrap());
    for (name, number) in names.iter().zip(0..) {
        for page in 0..number % 4 {
            let connection = format!("{number}-{page}=");
            let subscriber = subscription(name, &connection);
            ports.subscribe(&id, &subscriber).await.unwrap();
        }
    }
    // Users who are not participants, before, between and after the others.
    for name in ["A", "a c", "zz"] {
        let subscriber = subscription(name, &format!("stale-{}=", name.len()));
        ports.subscribe(&id, &subscriber).await.unwrap();
    }
    let mut whole = ports.roster(&id).await.unwrap();
    let (mut read, pages) = paged(ports, &id).await;
    assert!(pages > 2, "{pages} pages");
    assert_eq!(read.participants, whole.participants);
    for roster in [&mut whole, &mut read] {
        let key = |found: &Subscription| (found.user.clone(), found.connection.id.clone());
        roster.subscriptions.sort_by_key(key);
    }
    assert_eq!(read.subscriptions, whole.subscriptions);
}

pub async fn in_each_page_participants_must_be_read_before_subscriptions(
    ports: &(impl Subscriptions + Log),
) {
    let id = conversation_id("c");
    let names: Vec<String> = (0..24).map(|number| format!("user-{number:02}")).collect();
    let writer = async {
        for (name, next) in names.iter().zip(1..) {
            ports
                .subscribe(&id, &subscription(name, name))
                .await
                .unwrap();
            let joins = change("joins", true, name);
            let put = ports.put(&id, &at(next, &joins)).await.unwrap();
            assert_eq!(put, Put::Stored);
        }
    };
    let reader = async {
        loop {
            let (roster, _) = paged(ports, &id).await;
            let subscribers = roster.subscriptions.iter().map(|found| &found.user);
            let subscribers: Vec<_> = subscribers.collect();
            for user in &roster.participants {
                assert!(
                    subscribers.contains(&user),
                    "{user} is not among {subscribers:?}"
                );
            }
            if roster.participants.len() == names.len() {
                break;
            }
        }
    };
    join(writer, reader).await;
}

pub async fn a_repeated_subscription_is_stored_once(ports: &impl Subscriptions) {
    let id = conversation_id("c");
    for _ in 0..2 {
        ports
            .subscribe(&id, &subscription("ada", "ada="))
            .await
            .unwrap();
    }
    assert_eq!(
        ports.roster(&id).await.unwrap().subscriptions,
        [subscription("ada", "ada=")]
    );
}

pub async fn a_subscription_must_be_read_with_its_expiry(ports: &impl Subscriptions) {
    let id = conversation_id("c");
    let lasting = subscription("ada", "a=");
    let brief = Subscription {
        user: user("ada"),
        connection: connection_until("b=", NOW.plus(Duration::from_secs(60))),
    };
    // The row of the second connection is replaced by one that expires earlier.
    for subscription in [&lasting, &subscription("ada", "b="), &brief] {
        ports.subscribe(&id, subscription).await.unwrap();
    }
    let roster = ports.roster(&id).await.unwrap();
    assert_eq!(roster.subscriptions, [lasting, brief]);
}

pub async fn an_expired_subscription_is_returned_until_it_is_deleted(ports: &impl Subscriptions) {
    let id = conversation_id("c");
    let connected_at = Timestamp::from_seconds(1_000);
    let connection = Connection::new(connection("old=").id, connected_at, NOW);
    let stale = Subscription {
        user: user("ada"),
        connection,
    };
    ports.subscribe(&id, &stale).await.unwrap();
    assert_eq!(ports.roster(&id).await.unwrap().subscriptions, [stale]);
    assert!(connected_at < NOW);
}

pub async fn unsubscribing_deletes_one_subscription_if_it_exists(ports: &impl Subscriptions) {
    let id = conversation_id("c");
    for name in ["ada=", "grace="] {
        ports
            .subscribe(&id, &subscription("ada", name))
            .await
            .unwrap();
    }
    for _ in 0..2 {
        ports
            .unsubscribe(&id, &user("ada"), &connection("ada=").id)
            .await
            .unwrap();
        assert_eq!(
            ports.roster(&id).await.unwrap().subscriptions,
            [subscription("ada", "grace=")]
        );
    }
}

pub async fn subscriptions_to_many_conversations_are_stored_as_single_ones(
    ports: &impl Subscriptions,
) {
    let ids: Vec<_> = (0..MOST_SUBSCRIPTIONS)
        .map(|n| conversation_id(&format!("c-{n:02}")))
        .collect();
    let ada = subscription("ada", "ada=");
    for _ in 0..2 {
        ports.subscribe_to_all(&ids, &ada).await.unwrap();
        ports.subscribe_to_all(&[], &ada).await.unwrap();
        for id in &ids {
            let found = ports.roster(id).await.unwrap().subscriptions;
            assert_eq!(found, from_ref(&ada), "{id}");
        }
    }
}

pub async fn places_of_a_connection_are_those_that_it_claimed(ports: &impl Subscriptions) {
    let [b, c, d] = ["b", "c", "d"].map(conversation_id);
    let ada = connection("ada=");
    assert_eq!(ports.places_of(&ada.id).await.unwrap(), []);
    let both = [c.clone(), b.clone()];
    assert!(ports.claim(&ada, &both, 10).await.unwrap());
    let other = connection("other=");
    assert!(ports.claim(&other, &[d], 10).await.unwrap());

    let mut found = ports.places_of(&ada.id).await.unwrap();
    found.sort();
    assert_eq!(found, [b.clone(), c.clone()]);
    ports.release(&b, &ada.id).await.unwrap();
    assert_eq!(ports.places_of(&ada.id).await.unwrap(), [c]);
}

pub async fn concurrent_claims_must_not_exceed_the_places_of_a_connection(
    ports: &impl Subscriptions,
) {
    let ids: Vec<_> = (0..24)
        .map(|n| conversation_id(&format!("c-{n}")))
        .collect();
    let ada = connection("ada=");
    let claims = join_all(ids.iter().map(|id| ports.claim(&ada, from_ref(id), 10))).await;
    let claims: Vec<bool> = claims.into_iter().map(Result::unwrap).collect();
    assert_eq!(claims.iter().filter(|claimed| **claimed).count(), 10);
    for (id, claimed) in ids.iter().zip(claims) {
        assert_eq!(
            ports.claim(&ada, from_ref(id), 10).await.unwrap(),
            claimed,
            "again"
        );
    }
    let other = connection("other=");
    assert!(ports.claim(&other, &ids[..1], 1).await.unwrap());
}

pub async fn a_refused_claim_must_change_nothing(ports: &impl Subscriptions) {
    let ids = ["a", "b", "c", "d"].map(conversation_id);
    let ada = connection("ada=");
    assert!(ports.claim(&ada, &ids[..2], 3).await.unwrap());
    assert!(!ports.claim(&ada, &ids[2..], 3).await.unwrap());
    let mut found = ports.places_of(&ada.id).await.unwrap();
    found.sort();
    assert_eq!(found, ids[..2]);
    // Conversations that have places need none.
    assert!(ports.claim(&ada, &ids[..2], 2).await.unwrap());
    assert!(ports.claim(&ada, &ids[2..3], 3).await.unwrap());
    assert!(ports.claim(&ada, &ids[..3], 3).await.unwrap());
}

pub async fn a_released_place_can_be_claimed_again(ports: &impl Subscriptions) {
    let (c, d) = (conversation_id("c"), conversation_id("d"));
    let ada = connection("ada=");
    // Nothing is claimed yet.
    ports.release(&c, &ada.id).await.unwrap();
    for _ in 0..2 {
        assert!(ports.claim(&ada, from_ref(&c), 1).await.unwrap());
        assert!(!ports.claim(&ada, from_ref(&d), 1).await.unwrap());
        for _ in 0..2 {
            ports.release(&c, &ada.id).await.unwrap();
        }
        assert!(ports.claim(&ada, from_ref(&d), 1).await.unwrap());
        ports.release(&d, &ada.id).await.unwrap();
    }
}
