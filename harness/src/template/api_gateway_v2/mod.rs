//! `AWS::ApiGatewayV2::*`: a WebSocket API piece by piece, as CloudFormation has it without SAM, and pieces that stand
//! beside an API of SAM's. What the gateway may do on AWS only because of a resource of its own (a route response, a
//! stage, a permission to call a function) is asked of the template here as well.

mod access;
mod authorizer;
mod integration;
mod route;
mod stage;

pub(super) use self::stage::stage_name;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    access::Permission,
    authorizer::Authorizer,
    integration::Integration,
    route::{Route, RouteResponse},
    stage::{Deployment, Stage},
};
use super::{
    Functions,
    function::only,
    problem::{Place, Problem, Problems},
    properties::Properties,
    resource::{Kind, Resource, api_id},
    scope::Scope,
    yaml::Node,
};
use crate::stack::{WebSocketApi, WebSocketAuthorizer, WebSocketRoute};

/// All such resources of the template, of whichever API. By the ids that others know them by, where there are such.
#[derive(Default)]
pub(super) struct Pieces {
    routes: BTreeMap<String, Piece<Route>>,
    responses: Vec<Piece<RouteResponse>>,
    integrations: BTreeMap<String, Piece<Integration>>,
    authorizers: BTreeMap<String, Piece<Authorizer>>,
    stages: Vec<Piece<Stage>>,
    deployments: BTreeMap<String, Piece<Deployment>>,
    permissions: Vec<Permission>,
}

/// One of them.
struct Piece<T> {
    logical_id: String,
    at: Place,
    /// What `ApiId` resolves to.
    api_id: String,
    is: T,
}

impl Pieces {
    pub(super) fn read(
        resources: &[Resource],
        scope: &Scope,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Self {
        let mut pieces = Self::default();
        for resource in resources {
            let read = pieces.add(resource, scope, functions, problems);
            problems.keep(read);
        }
        pieces
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
                let route = Piece::read(resource, scope, problems, Route::read)?;
                self.routes.insert(id(), route);
            }
            Kind::RouteResponse => {
                let response = Piece::read(resource, scope, problems, RouteResponse::read)?;
                self.responses.push(response);
            }
            Kind::Integration => {
                let integration = Piece::read(resource, scope, problems, |properties, _| {
                    Integration::read(properties, functions)
                })?;
                self.integrations.insert(id(), integration);
            }
            Kind::Authorizer => {
                let authorizer = Piece::read(resource, scope, problems, |properties, _| {
                    Authorizer::read(properties, functions)
                })?;
                self.authorizers.insert(id(), authorizer);
            }
            Kind::Stage => {
                let stage = Piece::read(resource, scope, problems, Stage::read)?;
                self.stages.push(stage);
            }
            Kind::Deployment => {
                let deployment = Piece::read(resource, scope, problems, |properties, _| {
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

    /// Whether a route of SAM's has its response.
    pub(super) fn answers(&self, route_id: &str) -> bool {
        self.responses
            .iter()
            .any(|response| response.is.route_id == route_id)
    }

    /// Adds to an API of SAM's, whose routes have these ids, what stands beside it.
    pub(super) fn complete(
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

    fn add_routes(
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
        for (at, id) in self.strangers(&api.api_id) {
            problems.add(Problem::at(at, format!("{id}: {NO_API}")));
        }
    }

    fn route(
        &self,
        route_id: &str,
        route: &Piece<Route>,
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
            let source = access::route_arn(api, &route.is.key);
            self.demand(function, &source, route.at, &route.logical_id)?;
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
            let source = access::authorizer_arn(api, id.text()?);
            self.demand(function, &source, authorizer.at, &authorizer.logical_id)?;
        }
        Ok(WebSocketAuthorizer {
            function: function.clone(),
            identity_sources: identity_sources.clone(),
        })
    }

    /// On AWS nobody notices a missing permission before the first call, which then fails.
    fn demand(&self, function: &str, source: &str, at: Place, for_id: &str) -> Result<(), Problem> {
        let granted = self
            .permissions
            .iter()
            .any(|permission| permission.lets(function, source));
        if granted {
            return Ok(());
        }
        Err(Problem::at(
            at,
            format!(
                "{for_id}: no AWS::Lambda::Permission lets apigateway.amazonaws.com call {function} for {source}, so on AWS \
                 every call would fail: add one, or a role of the gateway's"
            ),
        ))
    }

    /// The one stage of the API, deployed with all that belongs to it.
    fn stage(
        &self,
        api: &Resource,
        problems: &mut Problems,
    ) -> Result<(String, BTreeMap<String, String>), Problem> {
        let [stage, others @ ..] = self.stages.as_slice() else {
            return Err(Problem::at(
                api.at,
                format!(
                    "{}: no AWS::ApiGatewayV2::Stage is there to connect to",
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
                        "it does not depend on {id}, so on AWS it may be made without it: add it to DependsOn"
                    )));
                }
            }
        }
        Ok((stage.is.name.clone(), stage.is.variables.clone()))
    }

    /// What stands alone where the template has no WebSocket API.
    pub(super) fn without_api(&self, problems: &mut Problems) {
        for response in &self.responses {
            problems.add(response.without_route());
        }
        for (at, id) in self.strangers("") {
            problems.add(Problem::at(at, format!("{id}: {NO_API}")));
        }
    }

    /// Pieces of other APIs than `api_id`. Of a foreign response is said what its route is called.
    fn strangers<'a>(&'a self, api_id: &'a str) -> impl Iterator<Item = (Place, &'a str)> {
        fn of<T>(piece: &Piece<T>) -> (&str, Place, &str) {
            (&piece.api_id, piece.at, &piece.logical_id)
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

const NO_API: &str = "ApiId names no WebSocket API of this template";

struct CompleteRoute {
    route: WebSocketRoute,
    authorizer: Option<WebSocketAuthorizer>,
}

impl<T> Piece<T> {
    /// Reads what all have in common, and the rest by `rest`.
    fn read(
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

    fn problem(&self, text: &str) -> Problem {
        Problem::at(self.at, format!("{}: {text}", self.logical_id))
    }
}

/// Reads an API without SAM.
pub(super) fn read(
    resource: &Resource,
    scope: &Scope,
    pieces: &Pieces,
    problems: &mut Problems,
) -> Option<WebSocketApi> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let protocol = protocol(&mut properties);
    // Of an API of another kind nothing else is worth a word.
    problems.keep(protocol)?;
    let selection = properties
        .required("RouteSelectionExpression")
        .and_then(|node| node.text().map(str::to_owned));
    let selection = problems.keep(selection);
    properties.without_effect(&[
        "ApiKeySelectionExpression",
        "Description",
        "DisableExecuteApiEndpoint",
        "DisableSchemaValidation",
        "FailOnWarnings",
        "IpAddressType",
        "Name",
        "Tags",
        "Version",
    ]);
    properties.finish(problems);
    let stage = pieces.stage(resource, problems);
    let (stage, stage_variables) = problems.keep(stage)?;
    let mut api = WebSocketApi {
        api_id: api_id(id),
        stage,
        route_selection_expression: selection?,
        routes: BTreeMap::new(),
        authorizer: None,
        stage_variables,
    };
    pieces.add_routes(&mut api, BTreeSet::new(), problems);
    Some(api)
}

fn protocol(properties: &mut Properties<'_>) -> Result<(), Problem> {
    let protocol = properties.required("ProtocolType")?;
    match protocol.text()? {
        "WEBSOCKET" => Ok(()),
        _ => Err(protocol.expected("WEBSOCKET: an HTTP API is an AWS::Serverless::HttpApi here")),
    }
}

/// Milliseconds: the least, and both the default and the most that an integration of a WebSocket route may take.
pub(super) const TIMEOUT: (u64, u64) = (50, 29_000);

/// Settings of routes that only log are passed over; limits of rates stop the start.
pub(super) fn route_settings(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<(), Problem> {
    if let Some(mut settings) = properties.nested("DefaultRouteSettings")? {
        settings.without_effect(&["DataTraceEnabled", "DetailedMetricsEnabled", "LoggingLevel"]);
        settings.finish(problems);
    }
    Ok(())
}
