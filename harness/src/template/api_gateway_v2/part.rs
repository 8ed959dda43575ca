//! What all parts of an API have in common.

use crate::template::{
    problem::{Place, Problem, Problems},
    properties::Properties,
    protocol::{Protocol, Protocols},
    resource::Resource,
    scope::Scope,
};

const NO_API: &str = "ApiId names no WebSocket API and no HTTP API of this template";

/// A part of an API, such as a route.
pub(super) struct Part<T> {
    pub(super) logical_id: String,
    pub(super) at: Place,
    /// The value of `ApiId`.
    pub(super) api_id: String,
    pub(super) is: T,
}

impl<T> Part<T> {
    /// Reads the common properties, and the others by `rest`.
    pub(super) fn read(
        resource: &Resource,
        scope: &Scope,
        protocols: &Protocols,
        problems: &mut Problems,
        rest: impl FnOnce(&mut Properties<'_>, Protocol, &mut Problems) -> Option<T>,
    ) -> Option<Self> {
        let id = resource.logical_id.as_str();
        let properties = Properties::resolving(id, &resource.properties, scope);
        let mut properties = problems.keep(properties)?;
        let api_id = properties
            .required("ApiId")
            .and_then(|node| node.text().map(str::to_owned));
        let api_id = problems.keep(api_id)?;
        let protocol = match protocols.get(&api_id) {
            Some(known) => known.ok_or_else(Problem::consequence),
            None => Err(Problem::at(resource.at, format!("{id}: {NO_API}"))),
        };
        let protocol = problems.keep(protocol)?;
        let is = rest(&mut properties, protocol, problems);
        properties.finish(problems);
        Some(Self {
            logical_id: id.to_owned(),
            at: resource.at,
            api_id,
            is: is?,
        })
    }

    pub(super) fn problem(&self, text: &str) -> Problem {
        Problem::at(self.at, format!("{}: {text}", self.logical_id))
    }
}
