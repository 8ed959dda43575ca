//! `MOCK` integrations of WebSocket APIs, and `AWS::ApiGatewayV2::IntegrationResponse`.
//!
//! Both have templates in the language VTL. The harness knows templates of plain text and of
//! `$context.NAME`. An integration with any other template is absent.

use std::collections::BTreeMap;

use super::{absent::Absent, part::Part, parts::Parts};
use crate::{
    stack::{Mock, MockPiece},
    template::{
        problem::{Place, Problem, Problems},
        properties::Properties,
        protocol::Protocol,
    },
};

const DEFAULT: &str = "$default";

/// The request of a `MOCK` integration: its status.
pub(in crate::template) enum MockRequest {
    Status(Place, u16),
    Absent(Absent),
}

impl MockRequest {
    pub(super) fn read(
        at: Place,
        properties: &mut Properties<'_>,
        problems: &mut Problems,
    ) -> Result<Self, Problem> {
        for (name, accepted) in [
            (
                "PassthroughBehavior",
                &["NEVER", "WHEN_NO_MATCH", "WHEN_NO_TEMPLATES"][..],
            ),
            ("PayloadFormatVersion", &["1.0"]),
            ("ConnectionType", &["INTERNET"]),
        ] {
            problems.keep(properties.optional_one_of(name, accepted));
        }
        // Nothing is called.
        properties.without_effect(&["IntegrationMethod"]);
        let templates = Templates::read(properties, "RequestTemplates", problems)?;
        let Some(text) = templates.selected().and_then(plain) else {
            return Ok(Self::Absent(Absent::template(at, "RequestTemplates")));
        };
        let request: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let status = request.as_ref().and_then(|it| it.get("statusCode"));
        let status = status.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok()));
        match status.and_then(|it| u16::try_from(it).ok()) {
            Some(status) if (100..600).contains(&status) => Ok(Self::Status(at, status)),
            _ => Ok(Self::Absent(Absent::template(at, "RequestTemplates"))),
        }
    }
}

/// The templates of a request or a response, and which of them is taken.
struct Templates {
    by_key: BTreeMap<String, String>,
    selection: String,
}

impl Templates {
    fn read(
        properties: &mut Properties<'_>,
        name: &str,
        problems: &mut Problems,
    ) -> Result<Self, Problem> {
        let by_key = properties.texts(name, problems);
        let selection = properties.text("TemplateSelectionExpression")?;
        Ok(Self {
            by_key: by_key.ok_or_else(Problem::consequence)?,
            selection: selection.unwrap_or_else(|| DEFAULT.to_owned()),
        })
    }

    /// Returns the template that is always taken. `None` if there is none, or if the message
    /// decides.
    fn selected(&self) -> Option<&str> {
        let selection = self.selection.replace(r"\$", "$");
        let depends = self.selection.contains("${") || selection.starts_with("$request.");
        let key = Some(selection).filter(|_| !depends)?;
        let found = self.by_key.get(&key).or_else(|| self.by_key.get(DEFAULT));
        found.map(String::as_str)
    }
}

/// How a `MOCK` integration answers.
pub(super) struct IntegrationResponse {
    integration_id: String,
    key: String,
    /// `None` if the template is in VTL.
    reply: Option<Vec<MockPiece>>,
}

impl IntegrationResponse {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        _: Protocol,
        problems: &mut Problems,
    ) -> Option<Self> {
        let id = properties
            .required("IntegrationId")
            .and_then(|node| node.text().map(str::to_owned));
        let id = problems.keep(id);
        let key = properties
            .required("IntegrationResponseKey")
            .and_then(|node| node.text().map(str::to_owned));
        let key = problems.keep(key);
        let templates = Templates::read(properties, "ResponseTemplates", problems);
        let templates = problems.keep(templates);
        properties.without_effect(&["ContentHandlingStrategy", "ResponseParameters"]);
        let templates = templates?;
        let reply = match templates.by_key.is_empty() {
            true => Some(Vec::new()),
            false => templates.selected().and_then(pieces),
        };
        Some(Self {
            integration_id: id?,
            key: key?,
            reply,
        })
    }

    /// Returns the statuses that this response is for, with `?` for any digit. `None` if the key is
    /// another regular expression than `/200/`, `/2\d\d/` and the like.
    fn statuses(&self) -> Option<String> {
        if self.key == DEFAULT {
            return Some(String::new());
        }
        let pattern = self.key.strip_prefix('/')?.strip_suffix('/')?;
        let pattern = pattern.replace(r"\d{2}", "??").replace(r"\d", "?");
        let is_known = pattern.chars().all(|c| c.is_ascii_digit() || c == '?');
        is_known.then_some(pattern)
    }
}

/// Whether `status` fits the pattern.
fn fits(status: u16, pattern: &str) -> bool {
    let status = status.to_string();
    let mut pairs = pattern.chars().zip(status.chars());
    pattern.len() == status.len() && pairs.all(|(wanted, it)| wanted == '?' || wanted == it)
}

impl Parts {
    /// Returns the answer of the `MOCK` integration with this id.
    pub(super) fn mock(&self, id: &str, request: &MockRequest) -> Result<Mock, Absent> {
        let (at, status) = match request {
            MockRequest::Status(at, status) => (*at, *status),
            MockRequest::Absent(absent) => return Err(absent.clone()),
        };
        let of_it = |it: &&Part<IntegrationResponse>| it.is.integration_id == id;
        let mut responses = Vec::new();
        for response in self.integration_responses.iter().filter(of_it) {
            match response.is.statuses() {
                Some(statuses) => responses.push((statuses, response)),
                None => return Err(Absent::key(response.at)),
            }
        }
        // `$default` has an empty pattern.
        let found = responses
            .iter()
            .find(|(statuses, _)| fits(status, statuses))
            .or_else(|| responses.iter().find(|(statuses, _)| statuses.is_empty()));
        let Some((_, response)) = found else {
            return Err(Absent::no_response(at, status));
        };
        match &response.is.reply {
            Some(reply) => Ok(Mock {
                status,
                reply: Some(reply.clone()),
            }),
            None => Err(Absent::template(response.at, "ResponseTemplates")),
        }
    }
}

/// Returns a template without variables. `None` if it is in VTL.
fn plain(template: &str) -> Option<String> {
    let texts = pieces(template)?.into_iter().map(|piece| match piece {
        MockPiece::Text(text) => Some(text),
        MockPiece::Context(_) => None,
    });
    texts.collect()
}

/// Reads a template of text and `$context.NAME`. `None` if it has anything else of VTL.
fn pieces(template: &str) -> Option<Vec<MockPiece>> {
    const CONTEXT: &str = "context.";
    let mut pieces = Vec::new();
    let mut parts = template.split('$');
    let first = parts.next().unwrap_or_default();
    pieces.push(MockPiece::Text(first.to_owned()));
    for part in parts {
        let (name, after) = match part.strip_prefix('{') {
            Some(formal) => formal.split_once('}')?,
            None => part.split_at(end_of_reference(part)),
        };
        let name = name.strip_prefix(CONTEXT)?;
        pieces.push(MockPiece::Context(name.to_owned()));
        pieces.push(MockPiece::Text(after.to_owned()));
    }
    // A number sign may begin a directive, and a backslash or a parenthesis changes a variable.
    let is_text = |piece: &MockPiece| match piece {
        MockPiece::Text(text) => !text.contains(['#', '\\']) && !text.starts_with(['(', '[']),
        MockPiece::Context(name) => {
            let known = |c: char| c.is_ascii_alphanumeric() || c == '.';
            !name.is_empty() && name.chars().all(known)
        }
    };
    if !pieces.iter().all(is_text) {
        return None;
    }
    pieces.retain(|piece| *piece != MockPiece::Text(String::new()));
    Some(pieces)
}

/// Returns where the name at the beginning of `text` ends. A dot at its end belongs to the text.
fn end_of_reference(text: &str) -> usize {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .unwrap_or(text.len());
    let name = text.get(..end).unwrap_or_default();
    name.trim_end_matches('.').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_of_text_and_context_are_read() {
        let text = |text: &str| MockPiece::Text(text.to_owned());
        let context = |name: &str| MockPiece::Context(name.to_owned());
        for (template, expected) in [
            ("pong", Some(vec![text("pong")])),
            ("", Some(vec![])),
            (
                r#"{"id": "$context.connectionId"}"#,
                Some(vec![
                    text(r#"{"id": ""#),
                    context("connectionId"),
                    text("\"}"),
                ]),
            ),
            (
                "${context.identity.sourceIp}.$context.stage.",
                Some(vec![
                    context("identity.sourceIp"),
                    text("."),
                    context("stage"),
                    text("."),
                ]),
            ),
            ("$input.path('$.id')", None),
            ("#set($a = 1)", None),
            ("$context.connectionId.length()", None),
            ("${context.stage", None),
            ("a\\$b", None),
            ("$!context.stage", None),
        ] {
            assert_eq!(pieces(template), expected, "{template}");
        }
    }
}
