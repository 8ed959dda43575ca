//! Evaluates the IAM policy of an authorizer's answer for one ARN.

use serde::Deserialize;

use crate::iam::{OneOrMany, Statement, Verdict, verdict};

const ACTION: &str = "execute-api:Invoke";

/// `policyDocument` of an authorizer's answer.
///
/// A document with a `Condition` or a negated element does not parse, because its effect would be a
/// guess.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Policy {
    #[serde(rename = "Version")]
    _version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<Statement>,
}

impl Policy {
    /// Whether the caller may invoke `method_arn`: a statement allows it and none denies it.
    pub(crate) fn allows(&self, method_arn: &str) -> bool {
        verdict(self.statement.as_slice(), ACTION, method_arn) == Verdict::Allowed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/$connect";

    fn statement(effect: &str, action: &str, resource: &str) -> Value {
        json!({ "Effect": effect, "Action": action, "Resource": resource })
    }

    #[test]
    fn a_policy_must_cover_the_arn_and_deny_wins() {
        let allow = |resource| statement("Allow", "execute-api:Invoke", resource);
        let all_stages = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/*";
        for (name, statements, expected) in [
            ("exact", json!([allow(ARN)]), true),
            ("one statement without a list", allow(ARN), true),
            ("everything", json!([allow("*")]), true),
            ("all stages", json!([allow(all_stages)]), true),
            (
                "question mark",
                json!([allow(&ARN.replace("prod", "pr?d"))]),
                true,
            ),
            // AWS answers such a policy with 403: there must be a slash between two stars.
            (
                "two segments",
                json!([allow(&ARN.replace("$connect", "*/*"))]),
                false,
            ),
            (
                "another stage",
                json!([allow(&ARN.replace("prod", "test"))]),
                false,
            ),
            (
                "a prefix only",
                json!([allow(&ARN.replace("/prod/$connect", ""))]),
                false,
            ),
            (
                "other action",
                json!([statement("Allow", "execute-api:ManageConnections", "*")]),
                false,
            ),
            (
                "all actions",
                json!([statement("Allow", "execute-api:*", "*")]),
                true,
            ),
            (
                "action in another case",
                json!([statement("Allow", "Execute-API:invoke", "*")]),
                true,
            ),
            (
                "explicit deny last",
                json!([allow("*"), statement("Deny", "*", ARN)]),
                false,
            ),
            (
                "explicit deny first",
                json!([statement("Deny", "*", ARN), allow("*")]),
                false,
            ),
            (
                "a deny of something else",
                json!([allow("*"), statement("Deny", "*", "arn:aws:s3:::b")]),
                true,
            ),
            ("nothing", json!([]), false),
            (
                "lists",
                json!([{ "Sid": "1", "Effect": "Allow", "Action": ["a:b", "execute-api:Invoke"], "Resource": ["x", ARN] }]),
                true,
            ),
        ] {
            let policy: Policy =
                serde_json::from_value(json!({ "Version": "2012-10-17", "Statement": statements }))
                    .unwrap();
            assert_eq!(policy.allows(ARN), expected, "{name}");
        }
    }

    #[test]
    fn an_unsupported_policy_does_not_parse() {
        for statement in [
            json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {} }),
            json!({ "Effect": "Allow", "NotAction": "*", "Resource": "*" }),
            json!({ "Effect": "allow", "Action": "*", "Resource": "*" }),
            json!({ "Effect": "Allow", "Action": "*" }),
        ] {
            let policy = serde_json::from_value::<Policy>(json!({ "Statement": [statement] }));
            assert!(policy.is_err(), "{statement}");
        }
    }
}
