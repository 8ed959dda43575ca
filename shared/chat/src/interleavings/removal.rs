//! Removes a participant while messages are sent, and adds them again.

use futures_util::future::{join, join_all};

use super::world::{After, WATCHED, World};

const SEEDS: u64 = 500;

#[test]
fn a_removed_user_neither_sends_nor_receives_until_added_again() {
    for seed in 0..SEEDS {
        removed_and_added_again(seed);
    }
}

fn removed_and_added_again(seed: u64) {
    let world = World::new(seed, 1);
    let names: Vec<String> = (0..6).map(|number| format!("m-{number}")).collect();
    let traffic = |users: &'static [&'static str]| {
        let world = &world;
        let messages = names
            .iter()
            .flat_map(move |id| users.iter().map(move |user| (id, *user)));
        join_all(messages.map(move |(id, user)| world.send(user, id, After::Missing)))
    };

    let everyone = traffic(&["ada", "bob", "carol"]);
    world
        .chat
        .run(join(join(everyone, world.subscribe()), async {
            world.remove().await;
            // The removed user continues to send and read, and others send.
            assert!(
                !world.send(WATCHED, "late", After::Missing).await,
                "seed {seed}"
            );
            world.subscribe().await;
            world.history().await;
            world.send("bob", "later", After::At(0)).await;
        }));
    assert_eq!(world.broken(), [], "seed {seed}");

    let added = world.chat.run(world.add_again());
    assert!(added > world.removed_at.get().unwrap().1);
    world.chat.run(join(traffic(&["bob", "carol"]), async {
        while !world.subscribe().await {}
    }));
    // An entry that was not pushed is a gap or the newest entry. A client repairs both by
    // subscribing again.
    while world.position() < world.head() {
        world.chat.run(world.subscribe());
    }
    let seen = world.seen();
    assert!(
        seen.keys().copied().eq(1..=world.head()),
        "seed {seed}: {seen:?}"
    );
    let again = ("participantAdded".to_owned(), WATCHED.to_owned());
    assert_eq!(seen.get(&added), Some(&again), "seed {seed}");
    while !world.chat.run(world.send(WATCHED, "back", After::Position)) {}
}
