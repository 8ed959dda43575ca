//! `GET /conversations/{id}`: describes a conversation, like the reply of `POST /conversations`,
//! with at most 250 participants after `next`, ordered by user id.

use futures_util::future::try_join;

use crate::{
    access::require_participant,
    description::{Described, describe},
    domain::ConversationId,
    error::{Rejection, RequestError},
    fields::KnownUser,
    log::head,
    ports::{Clock, Log, Participants},
    request::{Request, Route},
};

/// Describes a conversation.
#[derive(Clone, Copy, Debug)]
pub struct GetConversation;

impl<P> Route<P> for GetConversation
where
    P: Log + Participants + Clock + Sync,
{
    const NAME: &'static str = "getConversation";
    type Reply = Described;

    async fn handle(ports: &P, request: &Request) -> Result<Described, RequestError> {
        let id: ConversationId = request.fields.required("conversation")?;
        let after: Option<KnownUser> = request.fields.optional("next")?;

        let caller = request.caller(ports.now())?;
        require_participant(ports, &id, &caller.user).await?;
        let (conversation, head) = try_join(ports.conversation(&id), head(ports, &id)).await?;
        let conversation = conversation.ok_or(Rejection::NotFound)?;

        let after = after.as_ref().map(|KnownUser(user)| user);
        describe(ports, conversation, head, caller, after).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        contract,
        description::PAGE,
        fakes::{Call, FakeChat},
    };

    /// A conversation of Ada, Zoe and others: two pages and one participant more.
    fn crowd() -> FakeChat {
        let chat = FakeChat::new();
        let c = chat.conversation("c", &["ada", "zoe"]);
        for number in 2..=2 * PAGE {
            let participant = contract::participant(&format!("user-{number:03}"));
            chat.restore_row(&c, participant);
        }
        chat
    }

    fn ask(chat: &FakeChat, caller: &str, next: &Value) -> Result<Value, Value> {
        let _ = chat.take_calls();
        chat.ask::<GetConversation>(caller, json!({"conversation": "c", "next": next}))
    }

    #[test]
    fn participants_are_read_in_pages_until_the_last_one() {
        let chat = crowd();
        let (mut next, mut users, mut sizes) = (json!(null), Vec::new(), Vec::new());
        loop {
            let refused = ask(&chat, "grace", &next).unwrap_err();
            assert_eq!(refused["code"], "not_found");
            let page = ask(&chat, "ada", &next).unwrap();
            let found = page["participants"].as_array().unwrap();
            sizes.push(found.len());
            users.extend(found.iter().map(|found| found["user"].to_string()));
            next = page["next"].clone();
            if next.is_null() {
                break;
            }
        }
        assert_eq!(sizes, [PAGE, PAGE, 1]);
        assert!(users.is_sorted_by(|one, other| one < other), "{users:?}");
        let participants = |call: &Call| (call.method == "participants").then_some(call.rows);
        let read: Vec<usize> = chat.take_calls().iter().filter_map(participants).collect();
        assert_eq!(read, [1], "a page reads only its own rows");
    }

    #[test]
    fn a_caller_who_is_not_on_the_page_is_checked_after_it() {
        let chat = crowd();
        for (caller, next, checks) in [
            ("ada", json!(null), 1),
            ("zoe", json!(null), 2),
            ("ada", json!("user-400"), 2),
            ("zoe", json!("user-400"), 1),
        ] {
            assert!(ask(&chat, caller, &next).is_ok());
            let calls = chat.take_calls();
            let count = calls.iter().filter(|call| call.method == "participant");
            assert_eq!(count.count(), checks, "{caller} after {next}");
            if checks > 1 {
                let last = calls.last().map(|call| call.method);
                assert_eq!(last, Some("participant"), "decision 1");
            }
        }
    }

    #[test]
    fn any_user_id_may_be_a_start_and_nothing_else() {
        let chat = crowd();
        for (next, count) in [
            ("", None),
            ("a", Some(PAGE)),
            ("zz", Some(0)),
            ("\u{301}", Some(0)),
        ] {
            let page = ask(&chat, "ada", &json!(next));
            let found = page.as_ref().ok();
            let found = found.map(|page| page["participants"].as_array().unwrap().len());
            assert_eq!(found, count, "{next:?}: {page:?}");
        }
        for next in [json!(5), json!("x".repeat(129)), json!("a\nb")] {
            let problem = ask(&chat, "ada", &next).unwrap_err();
            assert_eq!(problem["field"], "next", "{next}");
        }
    }
}
