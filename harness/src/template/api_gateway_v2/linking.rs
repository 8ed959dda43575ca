//! Links the parts of an API: routes with their integrations, authorizers, responses, permissions
//! and stage. Missing links that would show on AWS only after a deployment are problems.

use std::collections::BTreeSet;

use super::{
    authorizer::{Authorizer, FunctionAuthorizer},
    integration::{Integration, Target},
    part::Part,
    parts::Parts,
    permission,
    route::Route,
    stage::Stage,
};
use crate::{
    stack::{WebSocketApi, WebSocketAuthorizer, WebSocketRoute, WebSocketTarget},
    template::{
        problem::{Place, Problem, Problems},
        resource::Resource,
        yaml::Node,
    },
};

struct CompleteRoute {
    route: WebSocketRoute,
    authorizer: Option<WebSocketAuthorizer>,
}

impl Parts {
    /// Whether the route with this id has a response.
    pub(in crate::template) fn answers(&self, route_id: &str) -> bool {
        self.responses
            .iter()
            .any(|response| response.is.route_id == route_id)
    }

    /// Adds the routes that are declared outside of SAM's API. `route_ids` are the ids of its own
    /// routes.
    pub(in crate::template) fn complete(
        &self,
        api: &mut WebSocketApi,
        route_ids: BTreeSet<String>,
        problems: &mut Problems,
    ) {
        self.require_no_stage(&api.api_id, problems);
        self.add_routes(api, route_ids, problems);
    }

    /// Adds a problem for each stage of an API of SAM, which has its own stage.
    pub(super) fn require_no_stage(&self, api_id: &str, problems: &mut Problems) {
        for stage in self.stages.iter().filter(|stage| stage.api_id == api_id) {
            problems.add(stage.another_stage());
        }
    }

    pub(super) fn add_routes(
        &self,
        api: &mut WebSocketApi,
        mut route_ids: BTreeSet<String>,
        problems: &mut Problems,
    ) {
        for (route_id, route) in &self.routes {
            if route.api_id != api.api_id {
                continue;
            }
            let read = self.route(route_id, route, api, problems);
            if let Some(read) = problems.keep(read) {
                let key = route.is.key.clone();
                api.authorizer = read.authorizer.or(api.authorizer.take());
                if api.routes.insert(key, read.route).is_some() {
                    problems.add(route.problem("its route key is declared twice: remove one"));
                }
            }
            route_ids.insert(route_id.clone());
        }
        for response in &self.responses {
            let route_id = &response.is.route_id;
            let is_known = route_ids.contains(route_id) || self.broken.contains(route_id);
            if response.api_id == api.api_id && !is_known {
                problems.add(response.without_route());
            }
        }
    }

    fn route(
        &self,
        route_id: &str,
        route: &Part<Route>,
        api: &WebSocketApi,
        problems: &mut Problems,
    ) -> Result<CompleteRoute, Problem> {
        let (id, integration) = self.target(route)?;
        let target = match &integration.target {
            Target::Function(function) => {
                if !integration.has_credentials {
                    let source = permission::route_arn(&api.api_id, &api.stage, &route.is.key);
                    self.require_permission(function, &source, route.at, &route.logical_id)?;
                }
                Ok(WebSocketTarget::Function(function.clone()))
            }
            Target::Mock(request) => self.mock(id, request).map(WebSocketTarget::Mock),
            Target::Absent(absent) => Err(absent.clone()),
            // The integration of an HTTP API does not fit.
            Target::Endpoint(_) => {
                let target = &route.is.target;
                return Err(target.expected("an integration of the same API"));
            }
        };
        let target = target.unwrap_or_else(|absent| {
            WebSocketTarget::Absent(absent.announced(&route.is.key, problems))
        });
        let authorizer = match &route.is.authorizer {
            Some(id) => Some(self.websocket_authorizer(id)?),
            None => None,
        };
        Ok(CompleteRoute {
            route: WebSocketRoute {
                target,
                timeout: integration.timeout,
                replies: route.is.selects_response && self.answers(route_id),
            },
            authorizer,
        })
    }

    /// Returns the integration of a route, with its id.
    pub(super) fn target<'a>(
        &'a self,
        route: &'a Part<Route>,
    ) -> Result<(&'a str, &'a Integration), Problem> {
        let target = &route.is.target;
        let id = target.text()?.strip_prefix("integrations/");
        match id.and_then(|id| Some((id, self.integrations.get(id)?))) {
            Some((id, integration)) => Ok((id, &integration.is)),
            None if id.is_some_and(|id| self.broken.contains(id)) => Err(Problem::consequence()),
            None => Err(target
                .expected("integrations/ID of an AWS::ApiGatewayV2::Integration of this template")),
        }
    }

    /// Returns the authorizer with this id.
    pub(super) fn authorizer(&self, id: &Node) -> Result<&Part<Authorizer>, Problem> {
        let text = id.text()?;
        match self.authorizers.get(text) {
            Some(authorizer) => Ok(authorizer),
            None if self.broken.contains(text) => Err(Problem::consequence()),
            None => Err(id.expected("the id of an AWS::ApiGatewayV2::Authorizer of this template")),
        }
    }

    fn websocket_authorizer(&self, id: &Node) -> Result<WebSocketAuthorizer, Problem> {
        let part = self.authorizer(id)?;
        // The authorizer of an HTTP API does not fit.
        let Authorizer::Function(authorizer) = &part.is else {
            return Err(id.expected("the id of a REQUEST authorizer"));
        };
        self.require_call(part, authorizer, id.text()?)?;
        Ok(WebSocketAuthorizer {
            function: authorizer.function.clone(),
            identity_sources: authorizer.identity_sources.clone(),
        })
    }

    /// Fails if the gateway may not call the function of the authorizer with this id.
    pub(super) fn require_call(
        &self,
        part: &Part<Authorizer>,
        authorizer: &FunctionAuthorizer,
        id: &str,
    ) -> Result<(), Problem> {
        if authorizer.has_credentials {
            return Ok(());
        }
        let source = permission::authorizer_arn(&part.api_id, id);
        self.require_permission(&authorizer.function, &source, part.at, &part.logical_id)
    }

    /// Fails if the gateway may not call the function. On AWS this shows only at the first call.
    pub(super) fn require_permission(
        &self,
        function: &str,
        source: &str,
        at: Place,
        for_id: &str,
    ) -> Result<(), Problem> {
        let granted = self
            .permissions
            .iter()
            .any(|permission| permission.allows(function, source));
        if granted {
            return Ok(());
        }
        // The source contains the name of the stage.
        if self.has_broken_permission || self.has_broken_stage {
            return Err(Problem::consequence());
        }
        Err(Problem::at(
            at,
            format!(
                "{for_id}: no AWS::Lambda::Permission lets apigateway.amazonaws.com call {function} for {source}, so \
                 every call would fail on AWS: add one, or a role for the gateway"
            ),
        ))
    }

    /// Returns the API's stage. Fails if nothing is deployed to it.
    pub(super) fn stage(
        &self,
        api: &Resource,
        api_id: &str,
        problems: &mut Problems,
    ) -> Result<&Stage, Problem> {
        let mut stages = self.stages.iter().filter(|stage| stage.api_id == api_id);
        let Some(stage) = stages.next() else {
            if self.has_broken_stage {
                return Err(Problem::consequence());
            }
            return Err(Problem::at(
                api.at,
                format!(
                    "{}: the API has no AWS::ApiGatewayV2::Stage, so no client can connect: add one",
                    api.logical_id
                ),
            ));
        };
        for other in stages {
            problems.add(other.another_stage());
        }
        if let Some(deployed) = &stage.is.deployment {
            let id = deployed.text()?;
            let Some(deployment) = self.deployments.get(id) else {
                if self.broken.contains(id) {
                    return Err(Problem::consequence());
                }
                return Err(deployed
                    .expected("the id of an AWS::ApiGatewayV2::Deployment of this template"));
            };
            fn of<T>(part: &Part<T>) -> (&str, &String) {
                (&part.api_id, &part.logical_id)
            }
            let routes = self.routes.values().map(of);
            let responses = self.responses.iter().map(of);
            let needed = routes
                .chain(responses)
                .filter(|(owner, _)| *owner == api_id);
            for (_, id) in needed {
                if !deployment.is.after.contains(id) {
                    problems.add(deployment.problem(&format!(
                        "it does not depend on {id}, so AWS may deploy without it: add {id} to DependsOn"
                    )));
                }
            }
        }
        Ok(&stage.is)
    }
}
