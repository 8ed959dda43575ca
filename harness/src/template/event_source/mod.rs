//! `Events` of a function: what calls it. Each type of event has a file here and a variant of
//! [`EventSource`].

mod destination;
mod http_api;
mod mapping;
mod settings;
mod sources;

pub(super) use self::{
    http_api::{HttpApiEvent, METHODS},
    mapping::Declared,
    sources::Sources,
};

use self::mapping::Kind;
use super::{
    problem::{Place, Problem, Problems},
    properties::Properties,
};

/// A source of events for a function.
pub(super) enum EventSource {
    HttpApi(Box<HttpApiEvent>),
    Mapping(Box<Declared>),
}

/// Types of events that need a service which the harness does not have, with its name. The function
/// runs without them.
const ABSENT: [(&str, &str); 3] = [
    ("CloudWatchEvent", "EventBridge"),
    ("EventBridgeRule", "EventBridge"),
    ("S3", "events of S3"),
];

impl EventSource {
    /// Reads one entry of `Events`. Returns `None` for an event of a service that the harness does
    /// not have. A type that the harness does not know is an error.
    fn read(
        function: &str,
        key: &str,
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
        if !["HttpApi", "DynamoDB", "SQS"].contains(&name) {
            return Err(Problem::at(
                kind.at,
                format!("{owner}: the harness does not support events of type {name}"),
            ));
        }
        let properties = event.nested("Properties")?;
        event.finish(problems);
        let properties = properties.unwrap_or_else(|| Properties::empty(&owner, at));
        let source = match name {
            "DynamoDB" => Kind::Stream,
            "SQS" => Kind::Queue,
            _ => {
                let event = HttpApiEvent::read(function, at, properties, problems);
                return Ok(event.map(|event| Self::HttpApi(Box::new(event))));
            }
        };
        let mapping = Declared::event(function, key, kind.at, source, properties, problems);
        Ok(mapping.map(|mapping| Self::Mapping(Box::new(mapping))))
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
    for (key, at, event) in declared.each(problems) {
        let source = EventSource::read(function, &key, at, event, problems);
        sources.extend(problems.keep(source).flatten());
    }
    Some(sources)
}
