//! All parts of APIs in a template.

use std::collections::BTreeMap;

use super::{
    authorizer::Authorizer,
    integration::Integration,
    part::Part,
    permission::Permission,
    route::{Route, RouteResponse},
    stage::{Deployment, Stage},
};
use crate::template::{
    functions::Functions,
    problem::{Problem, Problems},
    resource::{Kind, Resource},
    scope::Scope,
};

/// The parts of all APIs. Maps are by the ids that `Ref` gives.
#[derive(Default)]
pub(in crate::template) struct Parts {
    pub(super) routes: BTreeMap<String, Part<Route>>,
    pub(super) responses: Vec<Part<RouteResponse>>,
    pub(super) integrations: BTreeMap<String, Part<Integration>>,
    pub(super) authorizers: BTreeMap<String, Part<Authorizer>>,
    pub(super) stages: Vec<Part<Stage>>,
    pub(super) deployments: BTreeMap<String, Part<Deployment>>,
    pub(super) permissions: Vec<Permission>,
}

impl Parts {
    pub(in crate::template) fn read(
        resources: &[Resource],
        scope: &Scope,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Self {
        let mut parts = Self::default();
        for resource in resources {
            let read = parts.add(resource, scope, functions, problems);
            problems.keep(read);
        }
        parts
    }

    fn add(
        &mut self,
        resource: &Resource,
        scope: &Scope,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Result<(), Problem> {
        let id = || {
            let reference = scope.references.get(&resource.logical_id);
            reference.map_or_else(String::new, |reference| reference.id.clone())
        };
        match resource.kind {
            Kind::Route => {
                let route = Part::read(resource, scope, problems, Route::read)?;
                self.routes.insert(id(), route);
            }
            Kind::RouteResponse => {
                let response = Part::read(resource, scope, problems, RouteResponse::read)?;
                self.responses.push(response);
            }
            Kind::Integration => {
                let integration = Part::read(resource, scope, problems, |properties, _| {
                    Integration::read(properties, functions)
                })?;
                self.integrations.insert(id(), integration);
            }
            Kind::Authorizer => {
                let authorizer = Part::read(resource, scope, problems, |properties, _| {
                    Authorizer::read(properties, functions)
                })?;
                self.authorizers.insert(id(), authorizer);
            }
            Kind::Stage => {
                let stage = Part::read(resource, scope, problems, Stage::read)?;
                self.stages.push(stage);
            }
            Kind::Deployment => {
                let deployment = Part::read(resource, scope, problems, |properties, _| {
                    Ok(Deployment::read(properties, resource))
                })?;
                self.deployments.insert(id(), deployment);
            }
            Kind::Permission => {
                let permission = Permission::read(resource, scope, functions, problems)?;
                self.permissions.extend(permission);
            }
            _ => {}
        }
        Ok(())
    }
}
