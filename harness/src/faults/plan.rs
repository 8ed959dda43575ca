//! The written form of a plan: JSON, read strictly.

use std::{fs, path::Path, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// The plan named `aws`: ordinary latencies of AWS, and no other faults.
const AWS: &str = include_str!("aws.json");
/// The plan named `storm`: some of every fault.
const STORM: &str = include_str!("storm.json");
/// The longest duration of a fault: as long as a connection may live.
const LONGEST_MS: u64 = 2 * 60 * 60 * 1000;

/// Rules and the seed of all decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Written")]
pub struct Plan {
    /// The same seed and the same calls give the same faults.
    pub seed: u64,
    /// If several faults hit the same call, the first one wins. Latencies add up.
    pub faults: Vec<Rule>,
}

/// One fault and when it is injected.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// Considers only calls with these names. Without names all calls are considered. [`Fault`]
    /// lists the names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
    /// The probability of a fault, 0 to 1.
    pub rate: f64,
    /// The number of calls to skip at the beginning.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// The maximum number of injected faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// For faults with a duration or a delay: the minimum and the maximum in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<[u64; 2]>,
}

/// All faults, by service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// DynamoDB, as functions see it. Calls are named by operation: `PutItem`, `Query`, …
    Dynamodb(Dynamodb),
    /// The management API, as functions see it. Calls are named by method: `POST`, `GET`, `DELETE`.
    Management(Management),
    /// Lambda. Calls are named by the function's name and its logical id.
    Function(Function),
    /// The connections of clients. They have no names.
    Connection(Connection),
    /// Event source mappings. Calls are named by the logical ids of the mapping and the function, and
    /// by the function's name.
    EventSource(EventSource),
    /// The push service. Calls are named by the id of the subscription.
    Push(Push),
    /// S3, as functions and the bearers of their presigned URLs see it. Calls are named by operation:
    /// `PutObject`, `GetObject`, …
    S3(S3),
}

/// Faults of DynamoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Dynamodb {
    /// 400 `ProvisionedThroughputExceededException`. The call is not performed.
    Throttle,
    /// 400 `ThrottlingException`, as from an on-demand table. The call is not performed.
    ThrottleOnDemand,
    /// 500 `InternalServerError`. The call is not performed.
    InternalError,
    /// 503 `ServiceUnavailable`. The call is not performed.
    Unavailable,
    /// No answer at all. The call is not performed.
    Timeout,
    /// The call is performed, and the connection breaks instead of an answer.
    LostAnswer,
    /// The call takes longer, by `ms`.
    Latency,
}

/// Faults of the management API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Management {
    /// 410, although the connection is open.
    Gone,
    /// 429 `LimitExceededException`. The call is not performed.
    Throttle,
    /// 500. The call is not performed.
    InternalError,
    /// The call is performed, and the connection breaks instead of an answer.
    LostAnswer,
    /// The client accepts the message slowly: the answer is delayed by `ms`.
    SlowConsumer,
}

/// Faults of Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Function {
    /// The process is killed before it gets the event.
    KillBefore,
    /// The process is killed `ms` after it got the event, unless it has answered by then.
    KillDuring,
    /// The process is killed after it has answered, before the answer is passed on.
    KillAfter,
    /// The process freezes `ms` after it got the event, until the function's timeout.
    Timeout,
    /// Lambda throttles the invocation: 429.
    Throttle,
    /// The process starts later, by `ms`.
    SlowStart,
}

/// Faults of connections. The first two are injected when the client sends a message, which its
/// function still gets. The others are injected when a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Connection {
    /// The network connection ends without a close frame.
    Cut,
    /// No byte passes any more, in either direction, and neither side notices.
    HalfOpen,
    /// `$disconnect` is not called.
    DisconnectLost,
    /// `$disconnect` is called later, by `ms`.
    DisconnectLate,
    /// `$disconnect` is called twice.
    DisconnectTwice,
}

/// Faults of event source mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventSource {
    /// A batch that succeeded is delivered once more.
    Twice,
    /// A batch is delivered later, by `ms`.
    Late,
    /// Nothing is read for `ms`, after a read that found something. What is written meanwhile comes
    /// together.
    Stalled,
}

/// Faults of the push service. The first five are answers, without an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Push {
    /// 404.
    Unknown,
    /// 410.
    Gone,
    /// 413.
    TooLarge,
    /// 429.
    Throttle,
    /// 500.
    InternalError,
    /// 307 to the metadata address of a machine at AWS, which nobody may follow.
    Redirect,
    /// No answer at all. The message is not accepted.
    Timeout,
    /// The message is accepted, and the connection breaks instead of an answer.
    LostAnswer,
    /// The answer takes longer, by `ms`.
    Latency,
}

/// Faults of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum S3 {
    /// 503 `SlowDown`. The call is not performed.
    SlowDown,
    /// 500 `InternalError`. The call is not performed.
    InternalError,
    /// No answer at all. The call is not performed.
    Timeout,
    /// The connection breaks when half of the body has been transferred. Nothing is stored.
    Cut,
    /// The call is performed, and the connection breaks instead of an answer.
    LostAnswer,
    /// The transfer of the body takes `ms`.
    SlowTransfer,
    /// The call takes longer, by `ms`.
    Latency,
}

impl Fault {
    /// Returns the place and the kind as a plan writes them: `dynamodb lostAnswer`.
    #[must_use]
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(written)) => {
                let words = written.iter().map(|(place, kind)| match kind.as_str() {
                    Some(kind) => format!("{place} {kind}"),
                    None => place.clone(),
                });
                words.collect()
            }
            _ => String::new(),
        }
    }

    /// Whether the fault requires `ms`.
    const fn lasts(self) -> bool {
        matches!(
            self,
            Self::Dynamodb(Dynamodb::Latency)
                | Self::Management(Management::SlowConsumer)
                | Self::Function(Function::KillDuring | Function::SlowStart)
                | Self::Connection(Connection::DisconnectLate)
                | Self::EventSource(EventSource::Late | EventSource::Stalled)
                | Self::Push(Push::Latency)
                | Self::S3(S3::Latency | S3::SlowTransfer)
        )
    }

    /// Whether the fault accepts `ms`.
    const fn takes_ms(self) -> bool {
        self.lasts() || matches!(self, Self::Function(Function::Timeout))
    }
}

/// Why a plan is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The JSON is invalid or breaks a rule.
    #[error("{0}; see harness/README.md, section Faults, for the format")]
    Written(#[from] serde_json::Error),
    /// Not a plan's name, not JSON, and not a readable file.
    #[error("{name} is neither `aws` nor `storm`, nor JSON, nor a file that can be read: {source}")]
    Unknown {
        /// The option's value.
        name: String,
        /// The error of reading it as a file.
        source: std::io::Error,
    },
}

impl Plan {
    /// Parses a plan, or returns the named plan (`aws`, `storm`).
    ///
    /// # Errors
    /// Fails if the JSON is invalid or breaks a rule.
    pub fn read(text: &str) -> Result<Self, PlanError> {
        let json = match text.trim() {
            "aws" | "\"aws\"" => AWS,
            "storm" | "\"storm\"" => STORM,
            json => json,
        };
        Ok(serde_json::from_str(json)?)
    }
}

/// Reads the value of the option: JSON, a name, or a file.
impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        if text.starts_with('{') || matches!(text, "aws" | "storm") {
            return Self::read(text);
        }
        let json = fs::read_to_string(Path::new(text)).map_err(|source| PlanError::Unknown {
            name: text.to_owned(),
            source,
        })?;
        Self::read(&json)
    }
}

/// A plan before its rules are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    seed: u64,
    faults: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    dynamodb: Option<Dynamodb>,
    management: Option<Management>,
    function: Option<Function>,
    connection: Option<Connection>,
    #[serde(rename = "eventSource")]
    event_source: Option<EventSource>,
    push: Option<Push>,
    s3: Option<S3>,
    #[serde(default)]
    on: Vec<String>,
    #[serde(default = "always")]
    rate: f64,
    #[serde(default)]
    skip: u64,
    times: Option<u64>,
    ms: Option<[u64; 2]>,
}

impl TryFrom<Written> for Plan {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let faults = written.faults.into_iter().enumerate().map(|(index, rule)| {
            rule.checked()
                .map_err(|problem| format!("faults[{index}]: {problem}"))
        });
        Ok(Self {
            seed: written.seed,
            faults: faults.collect::<Result<_, _>>()?,
        })
    }
}

impl WrittenRule {
    fn checked(self) -> Result<Rule, String> {
        let places = [
            self.dynamodb.map(Fault::Dynamodb),
            self.management.map(Fault::Management),
            self.function.map(Fault::Function),
            self.connection.map(Fault::Connection),
            self.event_source.map(Fault::EventSource),
            self.push.map(Fault::Push),
            self.s3.map(Fault::S3),
        ];
        let mut named = places.into_iter().flatten();
        let (Some(fault), None) = (named.next(), named.next()) else {
            return Err(
                "name exactly one of `dynamodb`, `management`, `function`, `connection`, \
                 `eventSource`, `push` and `s3`"
                    .into(),
            );
        };
        if !(0.0..=1.0).contains(&self.rate) {
            return Err("`rate` has to be between 0 and 1".into());
        }
        if matches!(fault, Fault::Connection(_)) && !self.on.is_empty() {
            return Err("connections have no names: leave `on` out".into());
        }
        match self.ms {
            Some([from, to]) if from > to || to > LONGEST_MS => {
                return Err(format!("`ms` has to be [FROM, TO], at most {LONGEST_MS}"));
            }
            Some(_) if !fault.takes_ms() => {
                return Err("this fault takes no time: leave `ms` out".into());
            }
            None if fault.lasts() => return Err("this fault needs `ms`: [FROM, TO]".into()),
            _ => {}
        }
        Ok(Rule {
            fault,
            on: self.on,
            rate: self.rate,
            skip: self.skip,
            times: self.times,
            ms: self.ms,
        })
    }
}

impl Rule {
    /// Returns a duration between the limits, for a `fraction` between 0 and 1.
    pub(super) fn duration(&self, fraction: f64) -> Duration {
        let [from, to] = self.ms.unwrap_or_default();
        let from = Duration::from_millis(from);
        from + (Duration::from_millis(to) - from).mul_f64(fraction)
    }
}

const fn always() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_named_plans_are_valid() {
        for name in ["aws", "storm"] {
            let plan: Plan = name.parse().unwrap();
            assert!(!plan.faults.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_plan_survives_a_round_trip() {
        let written = json!({ "seed": 7, "faults": [
            { "dynamodb": "throttle", "on": ["PutItem"], "rate": 0.25, "skip": 3, "times": 2 },
            { "function": "killDuring", "rate": 1.0, "ms": [1, 20] },
        ] });
        let plan = Plan::read(&written.to_string()).unwrap();
        assert_eq!(serde_json::to_value(plan).unwrap(), written);
    }

    #[test]
    fn errors_say_which_rule_is_broken() {
        for (rule, expected) in [
            (json!({ "rate": 1 }), "exactly one of"),
            (
                json!({ "dynamodb": "timeout", "function": "timeout" }),
                "exactly one of",
            ),
            (
                json!({ "dynamodb": "explode" }),
                "unknown variant `explode`",
            ),
            (
                json!({ "dynamodb": "timeout", "often": true }),
                "unknown field `often`",
            ),
            (json!({ "dynamodb": "timeout", "rate": 1.5 }), "`rate`"),
            (json!({ "dynamodb": "latency" }), "needs `ms`"),
            (json!({ "eventSource": "stalled" }), "needs `ms`"),
            (json!({ "dynamodb": "latency", "ms": [9, 1] }), "[FROM, TO]"),
            (
                json!({ "connection": "cut", "ms": [1, 2] }),
                "takes no time",
            ),
            (json!({ "connection": "cut", "on": ["x"] }), "have no names"),
        ] {
            let text = json!({ "faults": [rule] }).to_string();
            let error = Plan::read(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = "nowhere.json".parse::<Plan>().unwrap_err().to_string();
        assert!(error.contains("neither `aws` nor `storm`"), "{error}");
    }
}
