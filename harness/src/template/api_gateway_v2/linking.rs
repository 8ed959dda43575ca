//! Links the parts of an API: routes with their integrations, authorizers, responses, permissions
//! and stage. Missing links that would show on AWS only after a deployment are problems.

use std::collections::BTreeSet;

use super::{
    authorizer::Authorizer, integration::Integration, part::Part, parts::Parts, permission,
    route::Route, stage::Stage,
};
use crate::{
    stack::{WebSocketApi, WebSocketAuthorizer, WebSocketRoute},
    template::{
        problem::{Place, Problem, Problems},
        resource::Resource,
        yaml::Node,
    },
};

const NO_API: &str = "ApiId names no WebSocket API of this template";

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
        for stage in &self.stages {
            problems.add(stage.another_stage());
        }
        self.add_routes(api, route_ids, problems);
    }

    pub(super) fn add_routes(
        &self,
        api: &mut WebSocketApi,
        mut route_ids: BTreeSet<String>,
        problems: &mut Problems,
    ) {
        for (route_id, route) in &self.routes {
            if let Some(read) = problems.keep(self.route(route_id, route, api)) {
                let key = route.is.key.clone();
                api.authorizer = read.authorizer.or(api.authorizer.take());
                if api.routes.insert(key, read.route).is_some() {
                    problems.add(route.problem("its route key is declared twice: remove one"));
                }
            }
            route_ids.insert(route_id.clone());
        }
        for response in &self.responses {
            if response.api_id != api.api_id || !route_ids.contains(&response.is.route_id) {
                problems.add(response.without_route());
            }
        }
        for (at, id) in self.of_other_apis(&api.api_id) {
            problems.add(Problem::at(at, format!("{id}: {NO_API}")));
        }
    }

    fn route(
        &self,
        route_id: &str,
        route: &Part<Route>,
        api: &WebSocketApi,
    ) -> Result<CompleteRoute, Problem> {
        let target = &route.is.target;
        let integration = target
            .text()?
            .strip_prefix("integrations/")
            .and_then(|id| self.integrations.get(id))
            .ok_or_else(|| {
                target.expected(
                    "integrations/ID of an AWS::ApiGatewayV2::Integration of this template",
                )
            })?;
        let Integration {
            function,
            timeout,
            has_credentials,
        } = &integration.is;
        if !has_credentials {
            let source = permission::route_arn(api, &route.is.key);
            self.require_permission(function, &source, route.at, &route.logical_id)?;
        }
        let authorizer = match &route.is.authorizer {
            Some(id) => Some(self.authorizer(id, api)?),
            None => None,
        };
        Ok(CompleteRoute {
            route: WebSocketRoute {
                function: function.clone(),
                timeout: *timeout,
                replies: route.is.selects_response && self.answers(route_id),
            },
            authorizer,
        })
    }

    fn authorizer(&self, id: &Node, api: &WebSocketApi) -> Result<WebSocketAuthorizer, Problem> {
        let Some(authorizer) = self.authorizers.get(id.text()?) else {
            return Err(id.expected("the id of an AWS::ApiGatewayV2::Authorizer of this template"));
        };
        let Authorizer {
            function,
            identity_sources,
            has_credentials,
        } = &authorizer.is;
        if !has_credentials {
            let source = permission::authorizer_arn(api, id.text()?);
            self.require_permission(function, &source, authorizer.at, &authorizer.logical_id)?;
        }
        Ok(WebSocketAuthorizer {
            function: function.clone(),
            identity_sources: identity_sources.clone(),
        })
    }

    /// Fails if the gateway may not call the function. On AWS this shows only at the first call.
    fn require_permission(
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
        Err(Problem::at(
            at,
            format!(
                "{for_id}: no AWS::Lambda::Permission lets apigateway.amazonaws.com call {function} for {source}, so \
                 every call would fail on AWS: add one, or a role for the gateway"
            ),
        ))
    }

    /// Returns the API's stage. Fails if nothing is deployed to it.
    pub(super) fn stage(&self, api: &Resource, problems: &mut Problems) -> Result<&Stage, Problem> {
        let [stage, others @ ..] = self.stages.as_slice() else {
            return Err(Problem::at(
                api.at,
                format!(
                    "{}: the API has no AWS::ApiGatewayV2::Stage, so no client can connect: add one",
                    api.logical_id
                ),
            ));
        };
        for other in others {
            problems.add(other.another_stage());
        }
        if let Some(deployed) = &stage.is.deployment {
            let Some(deployment) = self.deployments.get(deployed.text()?) else {
                return Err(deployed
                    .expected("the id of an AWS::ApiGatewayV2::Deployment of this template"));
            };
            let routes = self.routes.values().map(|route| &route.logical_id);
            let responses = self.responses.iter().map(|response| &response.logical_id);
            for id in routes.chain(responses) {
                if !deployment.is.after.contains(id) {
                    problems.add(deployment.problem(&format!(
                        "it does not depend on {id}, so AWS may deploy without it: add {id} to DependsOn"
                    )));
                }
            }
        }
        Ok(&stage.is)
    }

    /// Reports all parts, for a template without a WebSocket API.
    pub(in crate::template) fn without_api(&self, problems: &mut Problems) {
        for response in &self.responses {
            problems.add(response.without_route());
        }
        for (at, id) in self.of_other_apis("") {
            problems.add(Problem::at(at, format!("{id}: {NO_API}")));
        }
    }

    /// Returns the parts of other APIs than `api_id`, except for route responses.
    fn of_other_apis<'a>(&'a self, api_id: &'a str) -> impl Iterator<Item = (Place, &'a str)> {
        fn of<T>(part: &Part<T>) -> (&str, Place, &str) {
            (&part.api_id, part.at, &part.logical_id)
        }
        self.routes
            .values()
            .map(of)
            .chain(self.integrations.values().map(of))
            .chain(self.authorizers.values().map(of))
            .chain(self.stages.iter().map(of))
            .chain(self.deployments.values().map(of))
            .filter(move |(owner, ..)| *owner != api_id)
            .map(|(_, at, id)| (at, id))
    }
}
