//! Metrics as log lines, in CloudWatch's embedded metric format: CloudWatch makes metrics of the
//! lines that a function prints, so that a request makes no call for them.
//!
//! Names, codes and numbers are all that a line contains, and names and codes are literals of the
//! program: by its types, no text of a client can get into a metric.

use std::{
    env,
    io::{self, Write as _},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};

/// The variable with the value of the dimension `Stack`. Without it, no metrics are printed.
const STACK: &str = "METRICS_STACK";
const NAMESPACE: &str = "Confab";
/// The first lines of a process have this metric.
const COLD_STARTS: &str = "ColdStarts";

/// Prints the metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    /// `None`: prints nothing.
    stack: Option<String>,
    is_cold: AtomicBool,
}

/// The metrics of one request. Numbers that are zero are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    values: Vec<(&'static str, &'static str, u64)>,
    coded: Option<(&'static str, &'static str)>,
}

impl Line {
    /// Adds a number of things that happened.
    pub fn count(&mut self, name: &'static str, number: u64) {
        self.add(name, "Count", number);
    }

    /// Adds a duration.
    pub fn duration(&mut self, name: &'static str, duration: Duration) {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.add(name, "Milliseconds", milliseconds);
    }

    /// Counts one thing that happened, both in all and by its code.
    pub fn coded(&mut self, name: &'static str, code: &'static str) {
        self.count(name, 1);
        self.coded = Some((name, code));
    }

    fn add(&mut self, name: &'static str, unit: &'static str, number: u64) {
        if number > 0 {
            self.values.push((name, unit, number));
        }
    }

    fn encode(&self, stack: &str, now: Duration) -> String {
        let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
        let all = self.values.iter();
        let all: Vec<_> = all.map(|(name, unit, _)| metric(name, unit)).collect();
        let mut directives = vec![json!({
            "Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": all,
        })];
        let mut line = Map::new();
        line.insert("Stack".to_owned(), json!(stack));
        if let Some((name, code)) = self.coded {
            directives.push(json!({
                "Namespace": NAMESPACE,
                "Dimensions": [["Stack", "Code"]],
                "Metrics": [metric(name, "Count")],
            }));
            line.insert("Code".to_owned(), json!(code));
        }
        for (name, _, number) in &self.values {
            line.insert((*name).to_owned(), json!(number));
        }
        let milliseconds = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let about = json!({"Timestamp": milliseconds, "CloudWatchMetrics": directives});
        line.insert("_aws".to_owned(), about);
        Value::Object(line).to_string()
    }
}

impl Metrics {
    /// Reads the variable `METRICS_STACK`.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::of_stack(env::var(STACK).ok().filter(|stack| !stack.is_empty()))
    }

    /// Creates metrics that are not printed.
    #[must_use]
    pub fn disabled() -> Self {
        Self::of_stack(None)
    }

    fn of_stack(stack: Option<String>) -> Self {
        Self {
            stack,
            is_cold: AtomicBool::new(true),
        }
    }

    /// Prints the metrics of a request, if there are any. The first request of a process is a cold
    /// start.
    pub fn print(&self, line: Line) {
        if let Some(text) = self.text(line) {
            // Without standard output there is nobody to tell, and a request must not fail for it.
            let _ = writeln!(io::stdout().lock(), "{text}");
        }
    }

    fn text(&self, mut line: Line) -> Option<String> {
        let stack = self.stack.as_ref()?;
        if self.is_cold.swap(false, Ordering::Relaxed) {
            line.count(COLD_STARTS, 1);
        }
        if line.values.is_empty() {
            return None;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Some(line.encode(stack, now.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected() -> Line {
        let mut line = Line::default();
        line.count("Sends", 2);
        line.count("Gone", 0);
        line.duration("FanOutMilliseconds", Duration::from_millis(7));
        line.coded("Rejections", "rate_limited");
        line
    }

    #[test]
    fn a_line_has_the_embedded_metric_format() {
        let line: Value =
            serde_json::from_str(&rejected().encode("prod", Duration::from_millis(5))).unwrap();
        let expected = json!({
            "_aws": {"Timestamp": 5, "CloudWatchMetrics": [
                {"Namespace": "Confab", "Dimensions": [["Stack"]], "Metrics": [
                    {"Name": "Sends", "Unit": "Count"},
                    {"Name": "FanOutMilliseconds", "Unit": "Milliseconds"},
                    {"Name": "Rejections", "Unit": "Count"},
                ]},
                {"Namespace": "Confab", "Dimensions": [["Stack", "Code"]], "Metrics": [
                    {"Name": "Rejections", "Unit": "Count"},
                ]},
            ]},
            "Stack": "prod", "Code": "rate_limited",
            "Sends": 2, "FanOutMilliseconds": 7, "Rejections": 1,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn a_process_is_cold_once_and_prints_nothing_where_nothing_happened() {
        let metrics = Metrics::of_stack(Some("prod".to_owned()));
        let first = metrics.text(Line::default()).unwrap();
        let first: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(first[COLD_STARTS], 1);
        assert_eq!(metrics.text(Line::default()), None);
        let later: Value = serde_json::from_str(&metrics.text(rejected()).unwrap()).unwrap();
        assert_eq!(later.get(COLD_STARTS), None);
    }

    #[test]
    fn without_the_name_of_a_stack_nothing_is_printed() {
        assert_eq!(Metrics::disabled().text(rejected()), None);
    }
}
