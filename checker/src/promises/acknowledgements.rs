//! Checks that answers are true: to messages (acknowledged or refused) and to changes of
//! participants.

use super::Case;
use crate::{
    changes::Changes,
    history::{Entry, Record},
    verdict::{Promise, Violation},
};

pub fn search(case: &Case<'_>, found: &mut Vec<Violation>) {
    for name in case.evidence.acknowledgements.keys() {
        acknowledged(case, *name, found);
    }
    for name in case.evidence.rejections.keys() {
        refused(case, *name, found);
    }
    for (user, changes) in &case.evidence.changes {
        changed(case, user, changes, found);
    }
}

fn acknowledged(case: &Case<'_>, name: (&str, &str), found: &mut Vec<Violation>) {
    let (user, id) = name;
    let lines = case.evidence.acknowledgements.get(&name);
    let mut first = None;
    for line in lines.into_iter().flatten().copied() {
        let Some(Record::Sent { seq, .. }) = case.record(line) else {
            continue;
        };
        match first {
            Some((_, place)) if place == *seq => continue,
            Some((line_before, place)) => {
                let what = format!("{user}'s {id} was acknowledged at {place} and at {seq}");
                found.push(case.violation(Promise::Place, what, [line_before, line], []));
                continue;
            }
            None => first = Some((line, *seq)),
        }
        let stored = case.evidence.at(*seq);
        let is_own = stored.and_then(|entry| entry.name()) == Some(name);
        if !is_own && !deletes_as_asked(case, name, stored) {
            let what = match stored {
                None => format!("{user}'s {id} was acknowledged at {seq}, where nothing is stored"),
                Some(_) => format!(
                    "{user}'s {id} was acknowledged at {seq}, where another entry is stored"
                ),
            };
            let sends = case.evidence.sends.get(&name).into_iter().flatten();
            let lines = sends.copied().chain([line]);
            found.push(case.violation(Promise::Acknowledged, what, lines, stored));
        }
    }
}

/// Whether `stored` deletes the message that the deletion `name` asked to delete. The answer to a
/// second deletion of a message names the position of the first one.
fn deletes_as_asked(case: &Case<'_>, name: (&str, &str), stored: Option<&Entry>) -> bool {
    let sends = case.evidence.sends.get(&name).into_iter().flatten();
    let mut targets = sends.filter_map(|line| match case.record(*line)? {
        Record::Send { target, body, .. } if body.is_empty() => *target,
        _ => None,
    });
    let deletion = stored.filter(|entry| entry.event == "messageDeleted");
    deletion.is_some_and(|entry| targets.any(|target| entry.target == Some(target)))
}

/// A message that was refused on its only attempt must not be stored.
///
/// After several attempts it may be stored: an earlier attempt may have stored it before its sender
/// was removed. A message refused as `id_reused` is never stored, but another message is stored
/// under its id.
fn refused(case: &Case<'_>, name: (&str, &str), found: &mut Vec<Violation>) {
    let (user, id) = name;
    let sends = case
        .evidence
        .sends
        .get(&name)
        .map_or(&[][..], Vec::as_slice);
    let stored = case
        .evidence
        .log
        .iter()
        .find(|entry| entry.name() == Some(name));
    let (&[send], Some(stored)) = (sends, stored) else {
        return;
    };
    let lines = case.evidence.rejections.get(&name).into_iter().flatten();
    for line in lines.copied() {
        let what = format!(
            "{user}'s {id} was refused on its only attempt, but is stored at {}",
            stored.seq
        );
        found.push(case.violation(Promise::Refused, what, [send, line], [stored]));
    }
}

/// An answered change is stored where its answer says, and the newest change of the user in the log
/// agrees with an answer that no later change can have undone.
fn changed(case: &Case<'_>, user: &str, changes: &Changes<'_>, found: &mut Vec<Violation>) {
    for (change, answer) in changes.answered() {
        let Some(seq) = answer.seq else { continue };
        let stored = case.evidence.at(seq);
        if !stored.is_some_and(|entry| change.is_recorded_by(entry, user)) {
            let what =
                format!("the change of {user} was answered with {seq}, but is not stored there");
            found.push(case.violation(Promise::Acknowledged, what, [answer.line], stored));
        }
    }
    let mut newest = case.evidence.log.iter().rev();
    let Some(newest) = newest.find(|entry| entry.adds(user) || entry.removes(user)) else {
        return;
    };
    let mut lasting = changes.lasting();
    if let Some((change, answer)) = lasting.find(|(change, _)| !change.is_recorded_by(newest, user))
    {
        let said = if change.adds {
            "is a participant"
        } else {
            "is no participant"
        };
        let what = format!("the last answer says that {user} {said}, but the log does not");
        found.push(case.violation(Promise::Acknowledged, what, [answer.line], [newest]));
    }
}
