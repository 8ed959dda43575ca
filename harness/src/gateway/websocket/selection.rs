//! Route selection expressions: which route a message selects.

use serde_json::Value;

/// Why an expression is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("route selection expression {expression:?}: {reason}")]
pub struct SelectionError {
    expression: String,
    reason: &'static str,
}

/// A parsed route selection expression: `$request.body.action`,
/// `${request.body.service}/${request.body.action}`, or static text with `\$` for a dollar sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSelection(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The steps from the body's root to the value.
    Body(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl RouteSelection {
    /// Parses an expression.
    ///
    /// # Errors
    /// Fails if AWS would reject the expression, or if the harness does not support it.
    pub fn parse(expression: &str) -> Result<Self, SelectionError> {
        parse(expression)
            .map(Self)
            .map_err(|reason| SelectionError {
                expression: expression.to_owned(),
                reason,
            })
    }

    /// Returns the key that `body` selects. `None` if the body is not JSON, or if the expression is
    /// a single path without a value in it.
    pub fn key(&self, body: &str) -> Option<String> {
        let mut json = None;
        let mut key = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => key.push_str(text),
                Part::Body(steps) => {
                    if json.is_none() {
                        json = Some(serde_json::from_str::<Value>(body).ok()?);
                    }
                    match json.as_ref().and_then(|json| find(json, steps)) {
                        None | Some(Value::Null) => {}
                        Some(Value::String(text)) => key.push_str(text),
                        Some(other) => key.push_str(&other.to_string()),
                    }
                }
            }
        }
        (!key.is_empty()).then_some(key)
    }
}

fn parse(expression: &str) -> Result<Vec<Part>, &'static str> {
    if let Some(path) = expression.strip_prefix("$request.body.") {
        return Ok(vec![Part::Body(steps(path)?)]);
    }
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = expression;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(r"\$") {
            text.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let (inner, after) = after.split_once('}').ok_or("a ${ is not closed")?;
            let path = inner
                .strip_prefix("request.body.")
                .ok_or("only request.body can be selected by")?;
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(Part::Body(steps(path)?));
            rest = after;
        } else if character == '$' {
            return Err(
                r"a dollar sign starts $request.body., ${request.body. or is written as \$",
            );
        } else {
            text.push(character);
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
    }
    parts.push(Part::Text(text));
    parts.retain(|part| *part != Part::Text(String::new()));
    if parts.is_empty() {
        Err("it is empty")
    } else {
        Ok(parts)
    }
}

/// Parses `a.b[0].c`.
fn steps(path: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    for segment in path.split('.') {
        let mut pieces = segment.split('[');
        let key = pieces.next().unwrap_or_default();
        if key.is_empty() {
            return Err("the path has an empty step");
        }
        steps.push(Step::Key(key.to_owned()));
        for index in pieces {
            let number = index
                .strip_suffix(']')
                .and_then(|digits| digits.parse().ok());
            steps.push(Step::Index(
                number.ok_or("the path has an index that is no number in brackets")?,
            ));
        }
    }
    Ok(steps)
}

fn find<'a>(json: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(json, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_select_as_aws_documents() {
        let service = "${request.body.service}/${request.body.action}";
        for (expression, body, expected) in [
            ("$request.body.action", r#"{"action":"chat"}"#, Some("chat")),
            ("$request.body.action", r#"{"action":7}"#, Some("7")),
            ("$request.body.action", r#"{"action":true}"#, Some("true")),
            (
                "$request.body.action",
                r#"{"action":["a"]}"#,
                Some(r#"["a"]"#),
            ),
            ("$request.body.action", r#"{"action":null}"#, None),
            ("$request.body.action", r#"{"action":""}"#, None),
            ("$request.body.action", r#"{"other":"chat"}"#, None),
            ("$request.body.action", "chat", None),
            ("$request.body.action", "", None),
            (
                "$request.body.a.b[1]",
                r#"{"a":{"b":["x","y"]}}"#,
                Some("y"),
            ),
            (
                service,
                r#"{"service":"chat","action":"join"}"#,
                Some("chat/join"),
            ),
            (service, r#"{"action":"join"}"#, Some("/join")),
            (service, "no JSON", None),
            (r"\$default", "anything", Some("$default")),
            ("static", "anything", Some("static")),
        ] {
            let selection = RouteSelection::parse(expression).unwrap();
            assert_eq!(
                selection.key(body).as_deref(),
                expected,
                "{expression} on {body}"
            );
        }
    }

    #[test]
    fn unsupported_expressions_are_errors() {
        for expression in [
            "",
            "$request.header.action",
            "${request.body.a",
            "${context.routeKey}",
            "$request.body.",
            "$request.body.a[x]",
        ] {
            assert!(RouteSelection::parse(expression).is_err(), "{expression}");
        }
    }
}
