//! Policy statements, and their verdict about an action on a resource.

use serde::Deserialize;
use serde_json::Value;

/// One statement.
///
/// The harness never guesses about access: a statement with a `Condition` or a negated element does
/// not parse.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<Value>,
    effect: Effect,
    action: OneOrMany<String>,
    resource: OneOrMany<String>,
}

/// The effect of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Effect {
    /// Allows the action, unless another statement denies it.
    Allow,
    /// Denies the action, even if other statements allow it.
    Deny,
}

/// A list, or a single element without a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// A single element.
    One(T),
    /// A list.
    Many(Vec<T>),
}

/// The verdict of several statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One statement allows the action and none denies it.
    Allowed,
    /// One statement denies the action.
    Forbidden,
    /// No statement matches, so the action is not allowed.
    Unmentioned,
}

/// Why a statement is not accepted in a function's policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// The harness cannot evaluate its elements.
    #[error(
        "the harness supports only Effect (Allow or Deny), Action and Resource (each a text or a list of texts) in a \
         statement"
    )]
    Form,
    /// IAM rejects the action at the deployment.
    #[error("the action {0} is invalid: write SERVICE:NAME or *")]
    Action(String),
    /// IAM rejects the resource at the deployment.
    #[error("the resource {0} is invalid: write an ARN or *")]
    Resource(String),
    /// The resource depends on the call.
    #[error("the harness does not support the policy variable in the resource {0}")]
    Variable(String),
}

impl<T> OneOrMany<T> {
    /// Returns the elements.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Statement {
    /// Parses a statement of the policy of a role.
    ///
    /// # Errors
    /// Fails if IAM would reject the statement, or if the harness does not support it.
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

/// Returns the verdict of `statements` about `action` (such as `dynamodb:Query`, in any case) on
/// the ARN `resource`.
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

/// Whether `text` matches `pattern`, where `*` stands for any text and `?` for one character.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to resume when the latest `*` has to match one more character.
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
    fn statements_are_evaluated_together() {
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
                "a prefix of the action",
                vec![allow(json!("dynamodb:Que"), json!(TABLE))],
                Verdict::Unmentioned,
            ),
            (
                "a question mark",
                vec![allow(json!("dynamodb:?uery"), json!("*"))],
                Verdict::Allowed,
            ),
            (
                "the index of the table",
                vec![allow(json!("dynamodb:*"), json!(index))],
                Verdict::Unmentioned,
            ),
            (
                "ARNs with the prefix of the table",
                vec![allow(json!("*"), json!(format!("{TABLE}*")))],
                Verdict::Allowed,
            ),
            (
                "ARNs below the table",
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
    fn unsupported_and_invalid_statements_are_errors() {
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
