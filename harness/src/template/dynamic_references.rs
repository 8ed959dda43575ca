//! Dynamic references, such as `{{resolve:secretsmanager:ID:SecretString:KEY}}`: CloudFormation
//! replaces them by a secret or a parameter when it deploys a resource. Here their values come from
//! a file.

use std::{collections::BTreeMap, fmt, fs, io, path::Path};

use serde::Deserialize;
use serde_json::Value;

use super::{
    problem::{Place, Problem},
    yaml::{Content, Node},
};

const BEGINNING: &str = "{{resolve:";
const END: &str = "}}";
/// The parts of the ARN of a secret, which contains the separator of a reference.
const PARTS_OF_ARN: usize = 7;

/// The values of dynamic references, by service and by the id in the reference.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DynamicValues {
    /// Secrets: a text, or an object for references with a key.
    #[serde(default)]
    secretsmanager: BTreeMap<String, Value>,
    /// Parameters of `ssm` and `ssm-secure`.
    #[serde(default)]
    ssm: BTreeMap<String, String>,
}

impl fmt::Debug for DynamicValues {
    /// Shows no value, because it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.secretsmanager.keys())
            .entries(self.ssm.keys())
            .finish()
    }
}

impl DynamicValues {
    /// Reads a JSON file.
    ///
    /// # Errors
    /// Fails if the file cannot be read or has another form. The error contains no value.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read(path)?;
        serde_json::from_slice(&text).map_err(|error| {
            // The error's own text may repeat a value.
            io::Error::other(format!(
                "expected {{\"secretsmanager\": {{ID: text or object}}, \"ssm\": {{NAME: text}}}}, \
                 but line {}, column {} is something else",
                error.line(),
                error.column()
            ))
        })
    }

    /// Returns the node with every dynamic reference in its text replaced.
    pub(super) fn fill(&self, node: Node) -> Result<Node, Problem> {
        let Content::Scalar { text, .. } = &node.content else {
            return Ok(node);
        };
        if !text.contains(BEGINNING) {
            return Ok(node);
        }
        let mut rest = text.as_str();
        let mut filled = String::new();
        while let Some((before, after)) = rest.split_once(BEGINNING) {
            // A part of a reference, which a function such as `Join` completes.
            let Some((reference, after)) = after.split_once(END) else {
                break;
            };
            filled.push_str(before);
            filled.push_str(&self.value(node.at, reference)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(Node::text_at(node.at, filled))
    }

    /// Returns the value of a reference without its braces, such as `ssm:NAME`.
    fn value(&self, at: Place, reference: &str) -> Result<String, Problem> {
        let (service, key) = reference.split_once(':').unwrap_or((reference, ""));
        match service {
            "secretsmanager" => self.secret(at, key),
            "ssm" | "ssm-secure" => {
                let name = match key.rsplit_once(':') {
                    Some((name, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => {
                        name
                    }
                    _ => key,
                };
                let value = self.ssm.get(name).cloned();
                value.ok_or_else(|| missing(at, "ssm", name))
            }
            other => Err(Problem::at(
                at,
                format!(
                    "a dynamic reference is to secretsmanager, ssm or ssm-secure, not to {other:?}"
                ),
            )),
        }
    }

    fn secret(&self, at: Place, key: &str) -> Result<String, Problem> {
        let parts: Vec<&str> = key.split(':').collect();
        let of_id = if key.starts_with("arn:") {
            PARTS_OF_ARN.min(parts.len())
        } else {
            1
        };
        let (id, rest) = parts.split_at(of_id);
        let id = id.join(":");
        let (form, member) = match rest {
            [] => ("", ""),
            [form] => (*form, ""),
            [form, member] | [form, member, ""] | [form, member, "", ""] => (*form, *member),
            [form, member, "AWSCURRENT"] | [form, member, "AWSCURRENT", ""] => (*form, *member),
            _ => {
                return Err(Problem::at(
                    at,
                    format!(
                        "the harness has one version of the secret {id}: leave the version out"
                    ),
                ));
            }
        };
        if !["", "SecretString"].contains(&form) {
            return Err(Problem::at(
                at,
                format!("the secret {id}: expected SecretString, found `{form}`"),
            ));
        }
        let value = self.secretsmanager.get(&id);
        let value = value.ok_or_else(|| missing(at, "secretsmanager", &id))?;
        match (member, value) {
            ("", Value::String(text)) => Ok(text.clone()),
            ("", whole) => Ok(whole.to_string()),
            (member, whole) => match whole.get(member) {
                Some(Value::String(text)) => Ok(text.clone()),
                Some(other) => Ok(other.to_string()),
                None => Err(Problem::at(
                    at,
                    format!("the secret {id} has no key {member} in the file of --secrets"),
                )),
            },
        }
    }
}

fn missing(at: Place, service: &str, id: &str) -> Problem {
    Problem::at(
        at,
        format!(
            "{{{{resolve:{service}:{id}}}}} has no value in a local run: add {id:?} under \
             {service:?} to the file of --secrets"
        ),
    )
}
