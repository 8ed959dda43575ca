//! `PUT /me/presence`: shows or hides the caller's presence.
//!
//! ```json
//! {"shown": false}
//! {"shown": false}
//! ```
//!
//! Hiding is reciprocal: a user whom others do not see does not see others either.

use serde::Serialize;

use crate::{
    error::RequestError,
    ports::{Clock, Presences},
    request::{Request, Route},
};

/// Shows or hides the caller's presence.
#[derive(Clone, Copy, Debug)]
pub struct ShowPresence;

/// The stored choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PresenceShown {
    /// Whether others see the caller's presence, and the caller theirs.
    pub shown: bool,
}

impl<P: Presences + Clock + Sync> Route<P> for ShowPresence {
    const NAME: &'static str = "showPresence";
    type Reply = PresenceShown;

    async fn handle(ports: &P, request: &Request) -> Result<PresenceShown, RequestError> {
        let shown = request.fields.required("shown")?;

        let caller = request.caller(ports.now())?;
        ports.show_presence(&caller.user, shown).await?;

        Ok(PresenceShown { shown })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fakes::FakeChat;

    #[test]
    fn the_choice_must_be_given() {
        let chat = FakeChat::new();
        for shown in [Value::Null, json!(0), json!("no")] {
            let problem = chat.ask::<ShowPresence>("ada", json!({"shown": shown}));
            let problem = problem.unwrap_err();
            assert_eq!(
                (&problem["code"], &problem["field"]),
                (&json!("invalid"), &json!("shown"))
            );
        }
    }
}
