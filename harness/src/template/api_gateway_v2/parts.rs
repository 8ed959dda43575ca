//! All parts of APIs in a template.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    authorizer::Authorizer,
    integration::Integration,
    mock::IntegrationResponse,
    part::Part,
    permission::Permission,
    route::{Route, RouteResponse},
    stage::{Deployment, Stage},
};
use crate::template::{
    functions::Functions,
    problem::Problems,
    properties::Properties,
    protocol::{Protocol, Protocols, protocols},
    resource::{Kind, Resource},
    scope::Scope,
};

/// The parts of all APIs. Maps are by the ids that `Ref` gives.
#[derive(Default)]
pub(in crate::template) struct Parts {
    pub(super) routes: BTreeMap<String, Part<Route>>,
    pub(super) responses: Vec<Part<RouteResponse>>,
    pub(super) integrations: BTreeMap<String, Part<Integration>>,
    pub(super) integration_responses: Vec<Part<IntegrationResponse>>,
    pub(super) authorizers: BTreeMap<String, Part<Authorizer>>,
    pub(super) stages: Vec<Part<Stage>>,
    pub(super) deployments: BTreeMap<String, Part<Deployment>>,
    pub(super) permissions: Vec<Permission>,
    /// The ids of parts with problems. What refers to them follows from that.
    pub(super) broken: BTreeSet<String>,
    pub(super) has_broken_stage: bool,
    pub(super) has_broken_permission: bool,
}

impl Parts {
    pub(in crate::template) fn read(
        resources: &[Resource],
        scope: &Scope,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Self {
        let protocols = protocols(resources, scope);
        let mut parts = Self::default();
        for resource in resources {
            let id = scope.references.get(&resource.logical_id);
            let id = id.map_or_else(String::new, |reference| reference.id.clone());
            let reader = Reader {
                resource,
                scope,
                protocols: &protocols,
                functions,
            };
            if reader.read(&mut parts, &id, problems).is_none() {
                parts.broken.insert(id);
            }
        }
        parts
    }
}

/// Reads one resource as a part, if it is one.
struct Reader<'a> {
    resource: &'a Resource,
    scope: &'a Scope,
    protocols: &'a Protocols,
    functions: &'a Functions,
}

impl Reader<'_> {
    /// Adds the part. Returns `None` if it has a problem.
    fn read(&self, parts: &mut Parts, id: &str, problems: &mut Problems) -> Option<()> {
        let functions = self.functions;
        match self.resource.kind {
            Kind::Route => {
                let route = self.part(problems, Route::read)?;
                parts.routes.insert(id.to_owned(), route);
            }
            Kind::RouteResponse => {
                let response = self.part(problems, RouteResponse::read)?;
                parts.responses.push(response);
            }
            Kind::Integration => {
                let integration = self.part(problems, |properties, protocol, problems| {
                    Integration::read(properties, protocol, functions, problems)
                })?;
                parts.integrations.insert(id.to_owned(), integration);
            }
            Kind::IntegrationResponse => {
                let response = self.part(problems, IntegrationResponse::read)?;
                parts.integration_responses.push(response);
            }
            Kind::Authorizer => {
                let authorizer = self.part(problems, |properties, protocol, problems| {
                    Authorizer::read(properties, protocol, functions, problems)
                })?;
                parts.authorizers.insert(id.to_owned(), authorizer);
            }
            Kind::Stage => {
                let stage = self.part(problems, Stage::read);
                // The API has a stage, even if the stage has a problem.
                if stage.is_none() {
                    parts.has_broken_stage = true;
                }
                parts.stages.push(stage?);
            }
            Kind::Deployment => {
                let deployment = self.part(problems, |properties, _, _| {
                    Some(Deployment::read(properties, self.resource))
                })?;
                parts.deployments.insert(id.to_owned(), deployment);
            }
            Kind::Permission => {
                let permission = Permission::read(self.resource, self.scope, functions, problems);
                match problems.keep(permission) {
                    Some(permission) => parts.permissions.extend(permission),
                    None => parts.has_broken_permission = true,
                }
            }
            _ => {}
        }
        Some(())
    }

    fn part<T>(
        &self,
        problems: &mut Problems,
        rest: impl FnOnce(&mut Properties<'_>, Protocol, &mut Problems) -> Option<T>,
    ) -> Option<Part<T>> {
        Part::read(self.resource, self.scope, self.protocols, problems, rest)
    }
}
