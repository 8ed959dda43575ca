//! `Events` of a function: what calls it. Each type of event has a file here and a variant of
//! [`EventSource`].

mod http_api;

pub(super) use self::http_api::HttpApiEvent;

use super::{
    problem::{Place, Problem, Problems},
    properties::Properties,
};

/// A source of events for a function.
pub(super) enum EventSource {
    HttpApi(HttpApiEvent),
}

impl EventSource {
    /// Reads one entry of `Events`. A type that the harness does not support is an error.
    fn read(
        function: &str,
        at: Place,
        mut event: Properties<'_>,
        problems: &mut Problems,
    ) -> Result<Self, Problem> {
        let kind = event.required("Type")?;
        let properties = event.nested("Properties")?;
        let owner = event.owner().to_owned();
        event.finish(problems);
        let properties = properties.unwrap_or_else(|| Properties::empty(&owner, at));
        match kind.text()? {
            "HttpApi" => HttpApiEvent::read(function, at, properties, problems).map(Self::HttpApi),
            other => Err(Problem::at(
                kind.at,
                format!("{owner}: the harness does not support events of type {other}"),
            )),
        }
    }
}

/// Reads the `Events` of the function with this logical id.
pub(super) fn read(
    function: &str,
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<Vec<EventSource>, Problem> {
    let Some(declared) = properties.nested("Events")? else {
        return Ok(Vec::new());
    };
    let mut sources = Vec::new();
    for (_, at, event) in declared.each()? {
        sources.push(EventSource::read(function, at, event, problems)?);
    }
    Ok(sources)
}
