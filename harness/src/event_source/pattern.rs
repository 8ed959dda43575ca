//! Filter patterns of event source mappings: the operators that Lambda documents.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>

use serde_json::{Map, Value};

/// The longest pattern that Lambda accepts, in characters.
const LONGEST: usize = 4_096;
/// The key of alternatives between fields.
const OR: &str = "$or";

/// A pattern that a record matches or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Fields);

/// Why a pattern is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Longer than Lambda accepts.
    #[error("a pattern has at most 4,096 characters")]
    TooLong,
    /// Not a JSON object.
    #[error("a pattern is a JSON object: {0}")]
    Json(String),
    /// A value that is neither an object nor a list.
    #[error("{0}: the value of a field is an object or a list of rules")]
    Field(String),
    /// A list without a rule.
    #[error("{0}: the list has no rule")]
    Empty(String),
    /// An operator that Lambda does not document.
    #[error(
        "{field}: the harness does not know the rule {rule}: Lambda documents values, exists, \
         prefix, suffix, equals-ignore-case, anything-but, numeric and $or"
    )]
    Rule {
        /// The names of the field and of those around it.
        field: String,
        /// The rule as JSON.
        rule: String,
    },
}

/// Rules for the members of an object.
#[derive(Clone, Debug, Default, PartialEq)]
struct Fields {
    /// Each must hold.
    all: Vec<(String, Field)>,
    /// Of each list, one must hold.
    any: Vec<Vec<Fields>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Field {
    Nested(Fields),
    /// One must hold.
    Rules(Vec<Rule>),
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    Equals(Value),
    EqualsIgnoreCase(String),
    AnythingBut(Vec<Value>),
    /// All must hold.
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    Prefix(String),
    Suffix(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Pattern {
    /// Parses the text of a pattern.
    ///
    /// # Errors
    /// Fails if the text is too long, is not a JSON object, or has a rule that Lambda does not
    /// document.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.chars().count() > LONGEST {
            return Err(PatternError::TooLong);
        }
        let parsed: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| PatternError::Json(error.to_string()))?;
        fields("", &parsed).map(Self)
    }

    /// Whether a record matches.
    pub fn matches(&self, record: &Value) -> bool {
        self.0.hold_for(Some(record))
    }

    /// Returns whether the pattern has rules for this member of a record, and whether they are for
    /// an object.
    pub(super) fn of_member(&self, name: &str) -> Option<bool> {
        let (_, field) = self.0.all.iter().find(|(known, _)| known == name)?;
        Some(matches!(field, Field::Nested(_)))
    }
}

impl Fields {
    fn hold_for(&self, value: Option<&Value>) -> bool {
        // Of a list of objects, one must match.
        if let Some(Value::Array(items)) = value
            && items.iter().any(Value::is_object)
        {
            return items.iter().any(|item| self.hold_for(Some(item)));
        }
        let member = |name: &String| value.and_then(|value| value.get(name));
        self.all.iter().all(|(name, field)| match field {
            Field::Nested(fields) => fields.hold_for(member(name)),
            Field::Rules(rules) => rules.iter().any(|rule| rule.holds_for(member(name))),
        }) && self
            .any
            .iter()
            .all(|alternatives| alternatives.iter().any(|fields| fields.hold_for(value)))
    }
}

impl Rule {
    fn holds_for(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            // An object is not a leaf, and `exists` knows leaves only.
            (Self::Exists(wanted), value) => {
                value.is_some_and(|value| !value.is_object()) == *wanted
            }
            (_, None) => false,
            // Of a list, one item must match.
            (rule, Some(Value::Array(items))) => {
                items.iter().any(|item| rule.holds_for(Some(item)))
            }
            (Self::Equals(wanted), Some(value)) => are_equal(wanted, value),
            (Self::EqualsIgnoreCase(wanted), Some(Value::String(text))) => {
                wanted.to_lowercase() == text.to_lowercase()
            }
            (Self::AnythingBut(excluded), Some(value)) => {
                !value.is_object() && !excluded.iter().any(|one| are_equal(one, value))
            }
            (Self::Numeric(comparisons), Some(Value::Number(number))) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                comparisons
                    .iter()
                    .all(|(comparison, limit)| comparison.holds(number, *limit))
            }
            (Self::Prefix(prefix), Some(Value::String(text))) => text.starts_with(prefix),
            (Self::Suffix(suffix), Some(Value::String(text))) => text.ends_with(suffix),
            _ => false,
        }
    }
}

impl Comparison {
    fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            "=" => Self::Equal,
            ">=" => Self::GreaterOrEqual,
            ">" => Self::Greater,
            _ => return None,
        })
    }

    #[expect(clippy::float_cmp, reason = "the pattern asks for equality")]
    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Self::Less => number < limit,
            Self::LessOrEqual => number <= limit,
            Self::Equal => number == limit,
            Self::GreaterOrEqual => number >= limit,
            Self::Greater => number > limit,
        }
    }
}

/// Numbers are compared as they are written: 300 is not 300.0.
fn are_equal(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Number(wanted), Value::Number(number)) => wanted.to_string() == number.to_string(),
        _ => wanted == value,
    }
}

fn fields(path: &str, object: &Map<String, Value>) -> Result<Fields, PatternError> {
    let mut fields_of = Fields::default();
    for (name, value) in object {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        match value {
            Value::Array(alternatives) if name == OR => {
                fields_of.any.push(any_of(&path, alternatives)?);
            }
            Value::Object(nested) => {
                let nested = Field::Nested(fields(&path, nested)?);
                fields_of.all.push((name.clone(), nested));
            }
            Value::Array(rules) if rules.is_empty() => return Err(PatternError::Empty(path)),
            Value::Array(rules) => {
                let rules = rules.iter().map(|one| rule(&path, one));
                let rules = Field::Rules(rules.collect::<Result<_, _>>()?);
                fields_of.all.push((name.clone(), rules));
            }
            _ => return Err(PatternError::Field(path)),
        }
    }
    Ok(fields_of)
}

fn any_of(path: &str, alternatives: &[Value]) -> Result<Vec<Fields>, PatternError> {
    if alternatives.is_empty() {
        return Err(PatternError::Empty(path.to_owned()));
    }
    let parent = path.strip_suffix(OR).unwrap_or(path).trim_end_matches('.');
    let alternative = |value: &Value| match value {
        Value::Object(object) => fields(parent, object),
        _ => Err(PatternError::Field(path.to_owned())),
    };
    alternatives.iter().map(alternative).collect()
}

fn rule(field: &str, written: &Value) -> Result<Rule, PatternError> {
    let unknown = || PatternError::Rule {
        field: field.to_owned(),
        rule: written.to_string(),
    };
    let operator = match written {
        Value::Object(operator) if operator.len() == 1 => operator.iter().next(),
        Value::Object(_) | Value::Array(_) => None,
        value => return Ok(Rule::Equals(value.clone())),
    };
    match operator.map(|(name, value)| (name.as_str(), value)) {
        Some(("exists", Value::Bool(wanted))) => Ok(Rule::Exists(*wanted)),
        Some(("prefix", Value::String(text))) => Ok(Rule::Prefix(text.clone())),
        Some(("suffix", Value::String(text))) => Ok(Rule::Suffix(text.clone())),
        Some(("equals-ignore-case", Value::String(text))) => {
            Ok(Rule::EqualsIgnoreCase(text.clone()))
        }
        Some(("anything-but", Value::Array(values)))
            if !values.is_empty() && values.iter().all(|it| it.is_string() || it.is_number()) =>
        {
            Ok(Rule::AnythingBut(values.clone()))
        }
        Some(("anything-but", value @ (Value::String(_) | Value::Number(_)))) => {
            Ok(Rule::AnythingBut(vec![value.clone()]))
        }
        Some(("numeric", Value::Array(parts))) => numeric(parts).ok_or_else(unknown),
        _ => Err(unknown()),
    }
}

/// Reads `[">", 10, "<=", 20]`.
fn numeric(parts: &[Value]) -> Option<Rule> {
    let (pairs, rest) = parts.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    let comparison =
        |[sign, limit]: &[Value; 2]| Some((Comparison::of(sign.as_str()?)?, limit.as_f64()?));
    Some(Rule::Numeric(
        pairs.iter().map(comparison).collect::<Option<_>>()?,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples of Lambda's documentation, and the edges of their rules.
    #[test]
    fn records_match_as_lambda_documents() {
        let order = json!({
            "UserID": null, "LastName": "", "Name": "Alice", "Location": "New York",
            "Day": "Monday", "PaymentType": "Debit", "Weather": "Sunny", "Price": 100,
            "ProductName": "Cup", "Region": "us-west-1", "FileName": "cat.png",
            "Tags": ["a", "b"], "Rate": 300.0, "Address": { "City": "Oslo" },
            "Items": [{ "id": 1 }, { "id": 2 }],
        });
        let table = [
            (json!({ "UserID": [null] }), true),
            (json!({ "Name": [null] }), false),
            (json!({ "Nobody": [null] }), false),
            (json!({ "LastName": [""] }), true),
            (json!({ "Name": ["Alice"] }), true),
            (json!({ "Name": ["alice"] }), false),
            (json!({ "Name": [{ "equals-ignore-case": "aLICE" }] }), true),
            (json!({ "Location": ["New York"], "Day": ["Monday"] }), true),
            (
                json!({ "Location": ["New York"], "Day": ["Sunday"] }),
                false,
            ),
            (json!({ "PaymentType": ["Credit", "Debit"] }), true),
            (
                json!({ "$or": [{ "Location": ["Oslo"] }, { "Day": ["Monday"] }] }),
                true,
            ),
            (
                json!({ "Name": ["Bob"], "$or": [{ "Day": ["Monday"] }, { "Day": ["Sunday"] }] }),
                false,
            ),
            (
                json!({ "Weather": [{ "anything-but": ["Raining"] }] }),
                true,
            ),
            (json!({ "Weather": [{ "anything-but": "Sunny" }] }), false),
            (json!({ "Nobody": [{ "anything-but": ["x"] }] }), false),
            (json!({ "Price": [{ "numeric": ["=", 100] }] }), true),
            (
                json!({ "Price": [{ "numeric": [">", 10, "<=", 100] }] }),
                true,
            ),
            (
                json!({ "Price": [{ "numeric": [">", 100, "<", 200] }] }),
                false,
            ),
            // Numbers of DynamoDB are texts.
            (json!({ "Name": [{ "numeric": [">", 0] }] }), false),
            (json!({ "Rate": [300] }), false),
            (json!({ "ProductName": [{ "exists": true }] }), true),
            (json!({ "ProductName": [{ "exists": false }] }), false),
            (json!({ "Nobody": [{ "exists": false }] }), true),
            (json!({ "Nobody": { "Deep": [{ "exists": false }] } }), true),
            (json!({ "Address": [{ "exists": true }] }), false),
            (json!({ "Address": { "City": ["Oslo"] } }), true),
            (json!({ "Region": [{ "prefix": "us-" }] }), true),
            (json!({ "FileName": [{ "suffix": ".png" }] }), true),
            (json!({ "FileName": [{ "suffix": ".jpg" }] }), false),
            (json!({ "Tags": ["b"] }), true),
            (json!({ "Tags": ["c"] }), false),
            (json!({ "Items": { "id": [2] } }), true),
            (json!({}), true),
        ];
        for (pattern, expected) in table {
            let parsed = Pattern::parse(&pattern.to_string()).unwrap();
            assert_eq!(parsed.matches(&order), expected, "{pattern}");
        }
    }

    #[test]
    fn unknown_rules_are_errors_that_name_the_field() {
        for (pattern, expected) in [
            ("[]", "a pattern is a JSON object"),
            ("{", "a pattern is a JSON object"),
            (r#"{"a":1}"#, "a: the value of a field is"),
            (r#"{"a":{"b":[]}}"#, "a.b: the list has no rule"),
            (
                r#"{"a":[{"wildcard":"x*"}]}"#,
                "a: the harness does not know the rule",
            ),
            (
                r#"{"a":[{"anything-but":{"prefix":"x"}}]}"#,
                "does not know the rule",
            ),
            (r#"{"a":[{"numeric":[">"]}]}"#, "does not know the rule"),
            (r#"{"a":[{"numeric":["~",1]}]}"#, "does not know the rule"),
            (r#"{"a":[{"exists":"yes"}]}"#, "does not know the rule"),
            (r#"{"a":[["b"]]}"#, "does not know the rule"),
            (
                r#"{"a":{"$or":[{"b":[{"cidr":"x"}]}]}}"#,
                "a.b: the harness does not know",
            ),
            (r#"{"$or":[]}"#, "$or: the list has no rule"),
        ] {
            let error = Pattern::parse(pattern).unwrap_err().to_string();
            assert!(error.contains(expected), "{pattern}: {error}");
        }
        let of_length = |length: usize| format!(r#"{{"a":["{}"]}}"#, "é".repeat(length - 10));
        assert!(Pattern::parse(&of_length(LONGEST)).is_ok());
        let error = Pattern::parse(&of_length(LONGEST + 1)).unwrap_err();
        assert_eq!(error, PatternError::TooLong);
    }
}
