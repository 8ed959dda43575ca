//! Who looks at the chat, and who hides: what the storage was told, to compare with what pongs show.

use std::collections::BTreeMap;

use chat::{
    domain::{ConnectionId, UserId},
    ports::Presence,
};
use serde_json::Value;

#[derive(Default)]
pub struct Presences {
    /// The connection on which each user looks, unless they have looked away there since.
    looking: BTreeMap<String, ConnectionId>,
    /// Whether each user shows their presence, and how often they have said so.
    shown: BTreeMap<String, (bool, u64)>,
}

/// The users who hide at one moment, and how often they had changed it by then.
pub struct Hidden(BTreeMap<String, u64>);

impl Presences {
    pub fn looks(&mut self, user: &UserId, connection: &ConnectionId) {
        self.looking.insert(user.to_string(), connection.clone());
    }

    /// Records that a user looks away on a connection, and `presence` afterwards. Returns a
    /// sentence if that has ended their presence on another connection.
    pub fn looks_away(
        &mut self,
        user: &UserId,
        connection: &ConnectionId,
        presence: Presence,
    ) -> Option<String> {
        let looking = self.looking.get(user.as_str())?;
        if looking == connection {
            self.looking.remove(user.as_str());
            return None;
        }
        let what = format!("{user} looks on {looking}, but {connection} has ended their presence");
        (!presence.active).then_some(what)
    }

    pub fn shows(&mut self, user: &UserId, shown: bool) {
        let (is_shown, changes) = self.shown.entry(user.to_string()).or_default();
        *is_shown = shown;
        *changes += 1;
    }

    pub fn hidden(&self) -> Hidden {
        let hidden = self.shown.iter().filter(|(_, (shown, _))| !shown);
        Hidden(
            hidden
                .map(|(user, (_, changes))| (user.clone(), *changes))
                .collect(),
        )
    }

    /// Returns a sentence if a pong shows a user who hides, or shows anybody to a user who hides.
    /// `before` are the users who hid when the ping arrived. Those who have changed it since do not
    /// count.
    pub fn wrongly_seen(&self, caller: &UserId, before: &Hidden, pong: &Value) -> Option<String> {
        let seen = pong["presence"].as_object()?;
        let hides = |user: &str| {
            let changes = before.0.get(user);
            changes.is_some_and(|changes| self.shown.get(user) == Some(&(false, *changes)))
        };
        let mut others = seen.keys();
        let other = if hides(caller.as_str()) {
            others.next()?
        } else {
            others.find(|other| hides(other))?
        };
        Some(format!("{caller} sees {other}, although one of them hides"))
    }
}
