//! `Events` of a function: what calls it. Each type of event has a file here and a variant of
//! [`EventSource`].

mod http_api;

pub(super) use self::http_api::{HttpApiEvent, METHODS};

use super::{
    problem::{Place, Problem, Problems},
    properties::Properties,
};

/// A source of events for a function.
pub(super) enum EventSource {
    HttpApi(HttpApiEvent),
}

/// Types of events that need a service which the harness does not have, with its name. The function
/// runs without them.
const ABSENT: [(&str, &str); 5] = [
    ("CloudWatchEvent", "EventBridge"),
    ("DynamoDB", "event source mappings of DynamoDB streams"),
    ("EventBridgeRule", "EventBridge"),
    ("S3", "S3"),
    ("SQS", "SQS"),
];

impl EventSource {
    /// Reads one entry of `Events`. Returns `None` for an event of a service that the harness does
    /// not have. A type that the harness does not know is an error.
    fn read(
        function: &str,
        at: Place,
        mut event: Properties<'_>,
        problems: &mut Problems,
    ) -> Result<Option<Self>, Problem> {
        let kind = event.required("Type")?;
        let name = kind.text()?;
        let owner = event.owner().to_owned();
        if let Some((_, service)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
            let text = format!("{owner}: the harness has no {service}, so this event never comes");
            problems.notice(kind.at, text);
            return Ok(None);
        }
        if name != "HttpApi" {
            return Err(Problem::at(
                kind.at,
                format!("{owner}: the harness does not support events of type {name}"),
            ));
        }
        let properties = event.nested("Properties")?;
        event.finish(problems);
        let properties = properties.unwrap_or_else(|| Properties::empty(&owner, at));
        let event = HttpApiEvent::read(function, at, properties, problems);
        Ok(event.map(Self::HttpApi))
    }
}

/// Reads the `Events` of the function with this logical id.
pub(super) fn read(
    function: &str,
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Option<Vec<EventSource>> {
    let declared = properties.nested("Events");
    let Some(declared) = problems.keep(declared)? else {
        return Some(Vec::new());
    };
    let mut sources = Vec::new();
    for (_, at, event) in declared.each(problems) {
        let source = EventSource::read(function, at, event, problems);
        sources.extend(problems.keep(source).flatten());
    }
    Some(sources)
}
