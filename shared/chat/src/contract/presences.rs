use std::time::Duration;

use crate::{
    domain::{ConnectionId, UserId},
    ports::{Presence, Presences},
};

use super::{NOW, user};

fn device(name: &str) -> ConnectionId {
    ConnectionId::new(name).unwrap()
}

/// Returns the presence of a user. Local stores do not lag behind, as an eventual read may.
async fn presence(ports: &impl Presences, user: &UserId) -> Option<Presence> {
    let found = ports.presences(std::slice::from_ref(user)).await.unwrap();
    assert!(found.iter().all(|(of, _)| of == user));
    found.into_iter().next().map(|(_, presence)| presence)
}

pub async fn looking_and_looking_away_are_recorded(ports: &impl Presences) {
    let zoe = user("zoë 🦀");
    assert_eq!(presence(ports, &zoe).await, None);
    let later = NOW.plus(Duration::from_secs(61));
    for (now, active) in [(NOW, true), (later, true), (later, false), (later, true)] {
        let expected = Presence {
            seen_at: Some(now),
            active,
            shown: true,
        };
        let told = if active {
            ports.look(&zoe, &device("a="), now).await.unwrap()
        } else {
            ports.look_away(&zoe, &device("a="), now).await.unwrap()
        };
        assert_eq!(told, expected);
        assert_eq!(presence(ports, &zoe).await, Some(expected));
    }
    assert_eq!(presence(ports, &user("grace")).await, None);
}

pub async fn looking_away_on_another_connection_must_change_nothing(ports: &impl Presences) {
    let ada = user("ada");
    let later = NOW.plus(Duration::from_secs(1));
    // A user who has never looked has nothing to look away from.
    let told = ports.look_away(&ada, &device("a="), NOW).await.unwrap();
    assert_eq!(told, Presence::default());
    assert_eq!(presence(ports, &ada).await, None);

    ports.look(&ada, &device("a="), NOW).await.unwrap();
    let looks = ports.look(&ada, &device("b="), NOW).await.unwrap();
    let told = ports.look_away(&ada, &device("a="), later).await.unwrap();
    assert_eq!(told, looks);
    assert_eq!(presence(ports, &ada).await, Some(looks));
    let told = ports.look_away(&ada, &device("b="), later).await.unwrap();
    assert!(!told.active);
}

pub async fn hiding_and_looking_must_not_change_each_other(ports: &impl Presences) {
    let ada = user("ada");
    ports.show_presence(&ada, false).await.unwrap();
    let hidden = Presence {
        shown: false,
        ..Presence::default()
    };
    assert_eq!(presence(ports, &ada).await, Some(hidden));
    let looks = ports.look(&ada, &device("a="), NOW).await.unwrap();
    assert_eq!((looks.shown, looks.active), (false, true));
    let away = ports.look_away(&ada, &device("a="), NOW).await.unwrap();
    assert_eq!((away.shown, away.active), (false, false));
    let away = ports.look_away(&ada, &device("b="), NOW).await.unwrap();
    assert!(!away.shown);
    ports.show_presence(&ada, true).await.unwrap();
    let shown = presence(ports, &ada).await.unwrap();
    assert_eq!((shown.shown, shown.seen_at), (true, Some(NOW)));
}

pub async fn presences_of_many_users_are_read_at_once(ports: &impl Presences) {
    let users: Vec<UserId> = (0..51).map(|n| user(&format!("user-{n:02}"))).collect();
    for user in users.iter().step_by(2) {
        ports.look(user, &device("a="), NOW).await.unwrap();
    }
    let found = ports.presences(&users).await.unwrap();
    let mut found: Vec<UserId> = found.into_iter().map(|(user, _)| user).collect();
    found.sort();
    let expected: Vec<UserId> = users.into_iter().step_by(2).collect();
    assert_eq!(found, expected);
    assert_eq!(ports.presences(&[]).await.unwrap(), []);
}
