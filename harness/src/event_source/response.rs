//! What a function says about a batch: `ReportBatchItemFailures`.

use std::collections::BTreeSet;

use serde_json::Value;

/// Which items of a batch a function reports as failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// None, or nothing is reported.
    Success,
    /// These identifiers.
    Failed(BTreeSet<String>),
    /// The answer is malformed, which counts as the failure of all.
    Malformed,
}

impl Report {
    /// Reads the answer of a function. An empty answer, an empty list and null mean success. A name
    /// that is not `itemIdentifier`, an empty identifier and one of no item in the batch mean that
    /// everything failed.
    pub fn read(answer: &[u8], items: &[&str]) -> Self {
        if answer.is_empty() {
            return Self::Success;
        }
        let failures = match serde_json::from_slice(answer) {
            Ok(Value::Null) => return Self::Success,
            Ok(Value::Object(mut answer)) => answer.remove("batchItemFailures"),
            _ => return Self::Malformed,
        };
        let failures = match failures {
            None | Some(Value::Null) => return Self::Success,
            Some(Value::Array(failures)) => failures,
            Some(_) => return Self::Malformed,
        };
        // A batch has up to 10,000 items, and each may be reported.
        let items: BTreeSet<&str> = items.iter().copied().collect();
        let identifier = |failure: &Value| {
            let identifier = failure.get("itemIdentifier")?.as_str()?;
            items.contains(identifier).then(|| identifier.to_owned())
        };
        match failures
            .iter()
            .map(identifier)
            .collect::<Option<BTreeSet<_>>>()
        {
            Some(failed) if failed.is_empty() => Self::Success,
            Some(failed) => Self::Failed(failed),
            None => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_lambda_documents() {
        let failed = |ids: &[&str]| Report::Failed(ids.iter().map(ToString::to_string).collect());
        for (answer, expected) in [
            ("", Report::Success),
            ("null", Report::Success),
            ("{}", Report::Success),
            (r#"{"batchItemFailures":[]}"#, Report::Success),
            (r#"{"batchItemFailures":null}"#, Report::Success),
            (r#"{"statusCode":200}"#, Report::Success),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#,
                failed(&["2"]),
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"1"}]}"#,
                failed(&["1", "2"]),
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
                Report::Malformed,
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
                Report::Malformed,
            ),
            (r#"{"batchItemFailures":[{"item":"1"}]}"#, Report::Malformed),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"9"}]}"#,
                Report::Malformed,
            ),
            (r#"{"batchItemFailures":"1"}"#, Report::Malformed),
            (r#""done""#, Report::Malformed),
            ("no JSON", Report::Malformed),
        ] {
            assert_eq!(
                Report::read(answer.as_bytes(), &["1", "2"]),
                expected,
                "{answer}"
            );
        }
    }
}
