//! Policy statements, and what they say about one action on one resource.

use serde::Deserialize;
use serde_json::Value;

/// One statement.
///
/// What decides about access is never guessed: a statement with a `Condition` or a negated element does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<Value>,
    effect: Effect,
    action: OneOrMany<String>,
    resource: OneOrMany<String>,
}

/// What a statement does to what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Effect {
    /// Lets it be done, unless another statement denies it.
    Allow,
    /// Forbids it, whatever the others say.
    Deny,
}

/// A list, or its only element without the list around it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// No list.
    One(T),
    /// A list.
    Many(Vec<T>),
}

/// What statements say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One allows it and none denies it.
    Allowed,
    /// One denies it.
    Forbidden,
    /// None covers it, so it is not allowed.
    Unmentioned,
}

/// Why a statement cannot be part of a function's policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// It is more, less or something else than the harness can evaluate.
    #[error(
        "the harness evaluates statements of Effect (Allow or Deny), Action and Resource (each a text or a list of texts), \
         and nothing else in them"
    )]
    Form,
    /// IAM refuses it at the deployment.
    #[error("action {0} is neither * nor SERVICE:NAME")]
    Action(String),
    /// IAM refuses it at the deployment.
    #[error("resource {0} is neither * nor an ARN")]
    Resource(String),
    /// It would be replaced for each call.
    #[error("resource {0} has a policy variable, which the harness cannot honour")]
    Variable(String),
}

impl<T> OneOrMany<T> {
    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Statement {
    /// A statement of a role's policy.
    ///
    /// # Errors
    /// IAM would not take it, or it cannot be honoured here.
    pub fn of_role(statement: Value) -> Result<Self, Unsupported> {
        let statement: Self = serde_json::from_value(statement).map_err(|_| Unsupported::Form)?;
        for action in statement.action.as_slice() {
            if action != "*" && !action.contains(':') {
                return Err(Unsupported::Action(action.clone()));
            }
        }
        for resource in statement.resource.as_slice() {
            if resource != "*" && !resource.starts_with("arn:") {
                return Err(Unsupported::Resource(resource.clone()));
            }
            if resource.contains("${") {
                return Err(Unsupported::Variable(resource.clone()));
            }
        }
        Ok(statement)
    }

    fn covers(&self, action: &str, resource: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.action
            .as_slice()
            .iter()
            .any(|pattern| matches(&pattern.to_ascii_lowercase(), &action))
            && self
                .resource
                .as_slice()
                .iter()
                .any(|pattern| matches(pattern, resource))
    }
}

/// What `statements` say of `action` (`dynamodb:Query`, in any case) on the ARN `resource`.
pub fn verdict(statements: &[Statement], action: &str, resource: &str) -> Verdict {
    let mut verdict = Verdict::Unmentioned;
    for statement in statements {
        if statement.covers(action, resource) {
            match statement.effect {
                Effect::Deny => return Verdict::Forbidden,
                Effect::Allow => verdict = Verdict::Allowed,
            }
        }
    }
    verdict
}

/// Whether the whole of `text` fits `pattern`, in which `*` stands for any text and `?` for one character.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to resume when the latest `*` has to swallow one character more.
    let mut resume = None;
    while let Some(&character) = text.get(at_text) {
        match pattern.get(at_pattern) {
            Some('*') => {
                resume = Some((at_pattern + 1, at_text + 1));
                at_pattern += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == character => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => {
                let Some((after_star, next)) = resume else {
                    return false;
                };
                resume = Some((after_star, next + 1));
                (at_pattern, at_text) = (after_star, next);
            }
        }
    }
    pattern.iter().skip(at_pattern).all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/chat";

    #[test]
    fn statements_decide_together() {
        let allow = |action: Value, resource: Value| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
        let deny = |action: Value, resource: Value| json!({ "Effect": "Deny", "Action": action, "Resource": resource });
        let index = format!("{TABLE}/index/by_owner");
        let table = [
            ("nothing", vec![], Verdict::Unmentioned),
            (
                "exact",
                vec![allow(json!("dynamodb:Query"), json!(TABLE))],
                Verdict::Allowed,
            ),
            (
                "another case",
                vec![allow(json!("DynamoDB:query"), json!(TABLE))],
                Verdict::Allowed,
            ),
            (
                "the ARN in another case",
                vec![allow(
                    json!("dynamodb:Query"),
                    json!(TABLE.replace("chat", "Chat")),
                )],
                Verdict::Unmentioned,
            ),
            (
                "lists",
                vec![allow(
                    json!(["a:b", "dynamodb:Q*"]),
                    json!(["arn:x", TABLE]),
                )],
                Verdict::Allowed,
            ),
            (
                "another action",
                vec![allow(json!("dynamodb:PutItem"), json!(TABLE))],
                Verdict::Unmentioned,
            ),
            (
                "its beginning only",
                vec![allow(json!("dynamodb:Que"), json!(TABLE))],
                Verdict::Unmentioned,
            ),
            (
                "one character",
                vec![allow(json!("dynamodb:?uery"), json!("*"))],
                Verdict::Allowed,
            ),
            (
                "the index of the table",
                vec![allow(json!("dynamodb:*"), json!(index))],
                Verdict::Unmentioned,
            ),
            (
                "what begins like the table",
                vec![allow(json!("*"), json!(format!("{TABLE}*")))],
                Verdict::Allowed,
            ),
            (
                "what is in the table",
                vec![allow(json!("*"), json!(format!("{TABLE}/*")))],
                Verdict::Unmentioned,
            ),
            (
                "two statements",
                vec![
                    allow(json!("a:b"), json!("*")),
                    allow(json!("dynamodb:Query"), json!("*")),
                ],
                Verdict::Allowed,
            ),
            (
                "denied first",
                vec![
                    deny(json!("*"), json!(TABLE)),
                    allow(json!("*"), json!("*")),
                ],
                Verdict::Forbidden,
            ),
            (
                "denied last",
                vec![
                    allow(json!("*"), json!("*")),
                    deny(json!("*"), json!(TABLE)),
                ],
                Verdict::Forbidden,
            ),
            (
                "something else denied",
                vec![
                    allow(json!("*"), json!("*")),
                    deny(json!("dynamodb:Put*"), json!("*")),
                ],
                Verdict::Allowed,
            ),
        ];
        for (name, statements, expected) in table {
            let statements: Vec<_> = statements
                .into_iter()
                .map(|statement| Statement::of_role(statement).unwrap())
                .collect();
            assert_eq!(
                verdict(&statements, "dynamodb:Query", TABLE),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_no_statement_of_a_role() {
        let table = [
            (
                json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {} }),
                Unsupported::Form,
            ),
            (
                json!({ "Effect": "Allow", "NotAction": "*", "Resource": "*" }),
                Unsupported::Form,
            ),
            (
                json!({ "Effect": "allow", "Action": "*", "Resource": "*" }),
                Unsupported::Form,
            ),
            (
                json!({ "Effect": "Allow", "Action": "Query", "Resource": "*" }),
                Unsupported::Action("Query".to_owned()),
            ),
            (
                json!({ "Effect": "Allow", "Action": "*", "Resource": "chat" }),
                Unsupported::Resource("chat".to_owned()),
            ),
            (
                json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:userid}" }),
                Unsupported::Variable("arn:aws:s3:::${aws:userid}".to_owned()),
            ),
        ];
        for (statement, expected) in table {
            assert_eq!(
                Statement::of_role(statement.clone()),
                Err(expected),
                "{statement}"
            );
        }
    }
}
