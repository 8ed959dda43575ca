use crate::{
    domain::{Connection, Subscription, Timestamp},
    ports::{Log, Participants, Put, Roster, Subscriptions},
};

use std::time::Duration;

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
            .unsubscribe(&id, &connection("ada=").id)
            .await
            .unwrap();
        assert_eq!(
            ports.roster(&id).await.unwrap().subscriptions,
            [subscription("ada", "grace=")]
        );
    }
}

pub async fn subscriptions_of_a_connection_are_its_conversations(
    ports: &(impl Subscriptions + Participants),
) {
    // A user whose id is that of the connection is a participant of another conversation.
    let rows = [participant("ada=")];
    assert!(
        ports
            .create(&conversation("elsewhere", None), &rows)
            .await
            .unwrap()
    );
    for id in ["c", "b"] {
        ports
            .subscribe(&conversation_id(id), &subscription("ada", "ada="))
            .await
            .unwrap();
    }
    ports
        .subscribe(&conversation_id("d"), &subscription("ada", "other="))
        .await
        .unwrap();

    let mut found = ports
        .subscriptions_of(&connection("ada=").id)
        .await
        .unwrap();
    found.sort();
    assert_eq!(found, ["b", "c"].map(conversation_id));
    ports
        .unsubscribe(&conversation_id("b"), &connection("ada=").id)
        .await
        .unwrap();
    let found = ports
        .subscriptions_of(&connection("ada=").id)
        .await
        .unwrap();
    assert_eq!(found, ["c"].map(conversation_id));
}

pub async fn concurrent_claims_must_not_exceed_the_places_of_a_connection(
    ports: &impl Subscriptions,
) {
    let ids: Vec<_> = (0..24)
        .map(|n| conversation_id(&format!("c-{n}")))
        .collect();
    let ada = connection("ada=");
    let claims = join_all(ids.iter().map(|id| ports.claim(&ada, id, 10))).await;
    let claims: Vec<bool> = claims.into_iter().map(Result::unwrap).collect();
    assert_eq!(claims.iter().filter(|claimed| **claimed).count(), 10);
    for (id, claimed) in ids.iter().zip(claims) {
        assert_eq!(ports.claim(&ada, id, 10).await.unwrap(), claimed, "again");
    }
    let other = connection("other=");
    assert!(ports.claim(&other, &ids[0], 1).await.unwrap());
}

pub async fn a_released_place_can_be_claimed_again(ports: &impl Subscriptions) {
    let (c, d) = (conversation_id("c"), conversation_id("d"));
    let ada = connection("ada=");
    // Nothing is claimed yet.
    ports.release(&c, &ada.id).await.unwrap();
    for _ in 0..2 {
        assert!(ports.claim(&ada, &c, 1).await.unwrap());
        assert!(!ports.claim(&ada, &d, 1).await.unwrap());
        for _ in 0..2 {
            ports.release(&c, &ada.id).await.unwrap();
        }
        assert!(ports.claim(&ada, &d, 1).await.unwrap());
        ports.release(&d, &ada.id).await.unwrap();
    }
}
