//! A participant is removed in the middle of traffic, and added again.

use futures_util::future::{join, join_all};

use super::stage::{After, Stage, WATCHED};

const SEEDS: u64 = 500;

#[test]
fn nothing_by_or_for_the_removed_until_he_is_added_again_and_then_everything() {
    for seed in 0..SEEDS {
        removed_and_added_again(seed);
    }
}

fn removed_and_added_again(seed: u64) {
    let stage = Stage::new(seed, 1);
    let names: Vec<String> = (0..6).map(|number| format!("m-{number}")).collect();
    let traffic = |users: &'static [&'static str]| {
        let stage = &stage;
        let messages = names
            .iter()
            .flat_map(move |id| users.iter().map(move |user| (id, *user)));
        join_all(messages.map(move |(id, user)| stage.send(user, id, After::Missing)))
    };

    let everyone = traffic(&["ada", "bob", "carol"]);
    stage
        .chat
        .run(join(join(everyone, stage.subscribe()), async {
            stage.remove().await;
            // He goes on as if nothing had happened, and others talk.
            assert!(
                !stage.send(WATCHED, "late", After::Missing).await,
                "seed {seed}"
            );
            stage.subscribe().await;
            stage.history().await;
            stage.send("bob", "later", After::At(0)).await;
        }));
    assert_eq!(stage.broken(), [], "seed {seed}");

    let added = stage.chat.run(stage.add_again());
    assert!(added > stage.removed_at.get().unwrap().1);
    stage.chat.run(join(traffic(&["bob", "carol"]), async {
        while !stage.subscribe().await {}
    }));
    // What was stored and not told is a gap, or the newest: a page repairs either by subscribing again.
    while stage.position() < stage.head() {
        stage.chat.run(stage.subscribe());
    }
    let seen = stage.seen();
    assert!(
        seen.keys().copied().eq(1..=stage.head()),
        "seed {seed}: {seen:?}"
    );
    let again = ("participantAdded".to_owned(), WATCHED.to_owned());
    assert_eq!(seen.get(&added), Some(&again), "seed {seed}");
    while !stage.chat.run(stage.send(WATCHED, "back", After::Position)) {}
}
