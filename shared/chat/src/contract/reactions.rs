//! Reactions: an entry of the log and a row, stored together.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::{at, conversation_id, message, reaction, reaction_key, seq, user};
use crate::{
    domain::{ConversationId, DisplayName, Draft, Emoji, Reaction, ReactionChange, Seq},
    ports::{Log, Put, ReactionRange, Reactions, Standing},
};

/// Stores the drafts at 1, 2, 3 …
async fn stored(log: &impl Log, drafts: &[Draft]) {
    for (draft, number) in drafts.iter().zip(1..) {
        let put = log.put(&conversation_id("c"), &at(number, draft)).await;
        assert_eq!(put.unwrap(), Put::Stored, "{number}");
    }
}

fn hello() -> Draft {
    message("ada", "m-1", "hello")
}

fn row(target: u64, emoji: &str, name: &str, at: u64) -> Reaction {
    Reaction {
        key: reaction_key(target, emoji, name),
        name: DisplayName::fitted(&name.to_uppercase()),
        seq: seq(at),
    }
}

fn range(first: u64, last: u64) -> ReactionRange {
    ReactionRange {
        first: seq(first),
        last: seq(last),
        before: None,
    }
}

async fn all(ports: &impl Reactions, conversation: &ConversationId) -> Vec<Reaction> {
    let range = ReactionRange {
        first: seq(1),
        last: Seq::MAX,
        before: None,
    };
    let page = ports.reactions(conversation, &range, 1_000).await.unwrap();
    assert!(!page.more);
    page.reactions
}

async fn standing(ports: &impl Reactions, emoji: &str, name: &str, most: usize) -> Standing {
    let key = reaction_key(1, emoji, name);
    let standing = ports.standing(&conversation_id("c"), &key, most).await;
    standing.unwrap()
}

pub async fn a_reaction_must_be_stored_together_with_its_row(ports: &(impl Log + Reactions)) {
    let drafts = [
        hello(),
        reaction("zoë 🦀", "r-1", 1, "👍🏻", true),
        reaction("zoë 🦀", "r-2", 1, "👍", true),
        reaction("zoë 🦀", "r-3", 1, "👍🏻", false),
    ];
    let c = conversation_id("c");
    stored(ports, &drafts[..3]).await;
    let given = [row(1, "👍🏻", "zoë 🦀", 2), row(1, "👍", "zoë 🦀", 3)];
    assert_eq!(all(ports, &c).await, given);
    let found = standing(ports, "👍🏻", "zoë 🦀", 20).await;
    let different = BTreeSet::from(["👍🏻", "👍"].map(|emoji| Emoji::new(emoji).unwrap()));
    assert_eq!((found.exists, found.different), (true, different));

    let put = ports.put(&c, &at(4, &drafts[3])).await;
    assert_eq!(put.unwrap(), Put::Stored);
    assert_eq!(all(ports, &c).await, given[1..]);
    let found = standing(ports, "👍🏻", "zoë 🦀", 20).await;
    let different = BTreeSet::from([Emoji::new("👍").unwrap()]);
    assert_eq!((found.exists, found.different), (false, different));
    let log = ports.read_from(&c, seq(1), 10).await.unwrap().entries;
    let log: Vec<Draft> = log.into_iter().map(|entry| entry.draft).collect();
    assert_eq!(log, drafts);
}

pub async fn a_reaction_without_effect_must_store_nothing(ports: &(impl Log + Reactions)) {
    let c = conversation_id("c");
    stored(ports, &[hello(), reaction("ada", "r-1", 1, "👍", true)]).await;
    for late in [
        reaction("ada", "r-2", 1, "👍", true),
        reaction("ada", "r-3", 1, "👍🏻", false),
        reaction("grace", "r-4", 1, "👍", false),
        reaction("ada", "r-5", 2, "👍", false),
    ] {
        assert_eq!(ports.put(&c, &at(3, &late)).await.unwrap(), Put::Unchanged);
        // A taken position is reported as such.
        let put = ports.put(&c, &at(2, &late)).await.unwrap();
        assert!(matches!(put, Put::Taken(_)), "{put:?}");
    }
    assert_eq!(all(ports, &c).await, [row(1, "👍", "ada", 2)]);
    let log = ports.read_from(&c, seq(1), 10).await.unwrap();
    assert_eq!(log.entries.len(), 2);
}

pub async fn if_the_position_is_taken_the_reaction_must_not_change(ports: &(impl Log + Reactions)) {
    let c = conversation_id("c");
    stored(ports, &[hello(), reaction("ada", "r-1", 1, "👍", true)]).await;
    for late in [
        reaction("ada", "r-2", 1, "👍", false),
        reaction("ada", "r-3", 1, "❤", true),
    ] {
        let put = ports.put(&c, &at(1, &late)).await.unwrap();
        assert_eq!(put, Put::Taken(at(1, &hello())));
    }
    assert_eq!(all(ports, &c).await, [row(1, "👍", "ada", 2)]);
}

pub async fn a_repeated_reaction_must_return_the_entry_that_it_stored(
    ports: &(impl Log + Reactions),
) {
    let c = conversation_id("c");
    let (given, withdrawn) = (
        reaction("ada", "r-1", 1, "👍", true),
        reaction("ada", "r-2", 1, "👍", false),
    );
    stored(ports, &[hello(), given.clone()]).await;
    let put = ports.put(&c, &at(2, &given)).await.unwrap();
    assert_eq!(put, Put::Taken(at(2, &given)));
    assert_eq!(all(ports, &c).await, [row(1, "👍", "ada", 2)]);
    for expected in [Put::Stored, Put::Taken(at(3, &withdrawn))] {
        assert_eq!(ports.put(&c, &at(3, &withdrawn)).await.unwrap(), expected);
        assert_eq!(all(ports, &c).await, []);
    }
}

/// A page of reactions has many with one emoji and some with others, before and after it.
pub async fn all_different_emoji_must_be_found(ports: &(impl Log + Reactions)) {
    let given = |number: u64, emoji: &str| {
        let name = format!("user-{number:03}");
        reaction(&name, &format!("r-{number}"), 1, emoji, true)
    };
    let emoji = ["👍", "❤", "👍🏻", "🦀", "😀"];
    let few = emoji
        .iter()
        .zip(1..)
        .map(|(emoji, number)| given(number, emoji));
    let many = (6..=250).map(|number| given(number, "👍"));
    let other = reaction("user-001", "other", 2, "🎉", true);
    let drafts: Vec<Draft> = [hello()]
        .into_iter()
        .chain(few)
        .chain([other])
        .chain(many)
        .collect();
    stored(ports, &drafts).await;
    let expected: BTreeSet<Emoji> = emoji.into_iter().map(|e| Emoji::new(e).unwrap()).collect();
    for (emoji, name, exists) in [
        ("👍", "user-001", true),
        ("👍", "user-250", true),
        ("👍", "user-002", false),
        ("👍", "user-251", false),
        ("😀", "user-005", true),
        ("🎉", "user-001", false),
    ] {
        let found = standing(ports, emoji, name, 20).await;
        assert_eq!(found.exists, exists, "{emoji} of {name}");
        assert_eq!(found.different, expected, "{emoji} of {name}");
    }
    for most in 1..=5 {
        let found = standing(ports, "👍", "user-250", most).await;
        assert!(found.exists);
        assert_eq!(found.different.len(), most);
        assert!(found.different.is_subset(&expected));
    }
}

pub async fn reactions_must_be_descending_and_without_omissions(ports: &(impl Log + Reactions)) {
    let c = conversation_id("c");
    let messages = (1..=12).map(|number| message("ada", &format!("m-{number}"), "hi"));
    let mut drafts: Vec<Draft> = messages.collect();
    let mut expected = Vec::new();
    // Between one and two digits, numbers and their texts are ordered differently.
    for target in [9, 10, 12, 2] {
        for emoji in ["👍🏻", "👍", "❤"] {
            for name in ["grace", "ada", "ada 2"] {
                let id = format!("r-{}", drafts.len());
                drafts.push(reaction(name, &id, target, emoji, true));
                expected.push(row(target, emoji, name, drafts.len() as u64));
            }
        }
    }
    stored(ports, &drafts).await;
    expected.sort_by(|one, other| other.key.cmp(&one.key));
    assert_eq!(all(ports, &c).await, expected);
    for (first, last, inside) in [
        (9, 12, 0..27),
        (10, 11, 9..18),
        (3, 8, 27..27),
        (1, 2, 27..36),
    ] {
        let page = ports.reactions(&c, &range(first, last), 1_000).await;
        assert_eq!(
            page.unwrap().reactions,
            expected[inside],
            "{first} to {last}"
        );
    }
    // Page by page, as the client continues.
    let mut found = Vec::new();
    let mut rest = range(2, 12);
    loop {
        let page = ports.reactions(&c, &rest, 4).await.unwrap();
        assert!(page.reactions.len() <= 4);
        found.extend(page.reactions);
        if !page.more {
            break;
        }
        let last: &Reaction = found.last().unwrap();
        rest.last = last.key.target;
        rest.before = Some((last.key.emoji.clone(), last.key.user.clone()));
    }
    assert_eq!(found, expected);
    // The reaction before which a page starts need not exist any more.
    let gone = ReactionRange {
        before: Some((Emoji::new("👍").unwrap(), user("beatrix"))),
        ..range(12, 12)
    };
    let page = ports.reactions(&c, &gone, 2).await.unwrap();
    assert!(page.more);
    let expected = [row(12, "👍", "ada 2", 27), row(12, "👍", "ada", 26)];
    let found: Vec<_> = page.reactions.iter().map(|row| &row.key).collect();
    assert_eq!(found, [&expected[0].key, &expected[1].key]);
}

pub async fn reactions_are_kept_apart(ports: &(impl Log + Reactions)) {
    stored(ports, &[hello(), reaction("ada", "r-1", 1, "👍", true)]).await;
    // One id is a prefix of the other.
    for other in ["c2", "b"] {
        let other = conversation_id(other);
        assert_eq!(all(ports, &other).await, []);
        let key = reaction_key(1, "👍", "ada");
        let standing = ports.standing(&other, &key, 20).await.unwrap();
        assert_eq!(standing, Standing::default());
    }
}

pub async fn concurrent_reactions_are_stored_once_and_rows_agree_with_the_log(
    ports: &(impl Log + Reactions),
) {
    let c = conversation_id("c");
    stored(ports, &[hello()]).await;
    let store = async |draft: Draft| {
        let mut next = 2;
        loop {
            match ports.put(&c, &at(next, &draft)).await.unwrap() {
                Put::Taken(winner) if !winner.draft.has_name_of(&draft) => next += 1,
                put => return put,
            }
        }
    };
    let clicks = (0..6).map(|n| reaction("ada", &format!("r-{n}"), 1, "👍", n % 2 == 0));
    let others = (0..3).map(|n| reaction("grace", &format!("g-{n}"), 1, "👍", true));
    let puts = join_all(clicks.chain(others).map(store)).await;
    let log = ports.read_from(&c, seq(2), 20).await.unwrap().entries;
    let kept = puts.iter().filter(|put| **put != Put::Unchanged).count();
    assert_eq!(log.len(), kept, "{puts:?}");
    let mut rows = BTreeSet::new();
    for entry in &log {
        let change = entry.reaction().unwrap();
        let key = change.key().clone();
        // No reaction is given or withdrawn twice in a row.
        let changed = match change {
            ReactionChange::Given(_) => rows.insert(key),
            ReactionChange::Withdrawn(_) => rows.remove(&key),
        };
        assert!(changed, "{log:?}");
    }
    let found: BTreeSet<_> = all(ports, &c)
        .await
        .into_iter()
        .map(|row| row.key)
        .collect();
    assert_eq!(found, rows);
    assert!(rows.contains(&reaction_key(1, "👍", "grace")));
}
