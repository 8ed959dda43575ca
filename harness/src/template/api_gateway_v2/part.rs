//! What all parts of an API have in common.

use crate::template::{
    problem::{Place, Problem, Problems},
    properties::Properties,
    resource::Resource,
    scope::Scope,
};

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
        problems: &mut Problems,
        rest: impl FnOnce(&mut Properties<'_>, &mut Problems) -> Result<T, Problem>,
    ) -> Result<Self, Problem> {
        let mut properties =
            Properties::resolving(&resource.logical_id, &resource.properties, scope)?;
        let api_id = properties.required("ApiId")?.text()?.to_owned();
        let is = rest(&mut properties, problems)?;
        properties.finish(problems);
        Ok(Self {
            logical_id: resource.logical_id.clone(),
            at: resource.at,
            api_id,
            is,
        })
    }

    pub(super) fn problem(&self, text: &str) -> Problem {
        Problem::at(self.at, format!("{}: {text}", self.logical_id))
    }
}
