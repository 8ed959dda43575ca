//! `AWS::ApiGatewayV2::Api` of HTTP, and routes of HTTP APIs outside of SAM.

use std::{collections::BTreeMap, time::Duration};

use super::{
    authorizer::Authorizer,
    integration::{HTTP_TIMEOUT, Integration, Target, endpoint_of, function, url},
    part::Part,
    parts::Parts,
    permission,
    route::Route,
};
use crate::{
    stack::{HttpApi, HttpAuthorizer, HttpRoute, HttpTarget, Throttling},
    template::{
        api_ids::api_id,
        functions::Functions,
        http_api,
        problem::{Place, Problem, Problems},
        properties::Properties,
        resource::Resource,
        scope::Scope,
    },
};

/// Reads the API and links its parts.
pub(in crate::template) fn read(
    resource: &Resource,
    scope: &Scope,
    functions: &Functions,
    parts: &Parts,
    problems: &mut Problems,
) -> Option<HttpApi> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let api_id = api_id(id);
    let quick = quick_create(&mut properties, functions);
    let quick = problems.keep(quick);
    let cors = http_api::cors_configuration(&mut properties, problems);
    let selection = properties.optional_one_of(
        "RouteSelectionExpression",
        &[
            "${request.method} ${request.path}",
            "$request.method $request.path",
        ],
    );
    problems.keep(selection);
    properties.without_effect(&[
        "Description",
        "DisableExecuteApiEndpoint",
        "FailOnWarnings",
        "IpAddressType",
        "Name",
        "ProtocolType",
        "Tags",
        "Version",
    ]);
    properties.finish(problems);
    let stage = match &quick {
        // API Gateway makes the stage as well.
        Some(Some(_)) => None,
        _ => {
            let stage = parts.stage(resource, &api_id, problems);
            // The routes are linked even if the stage has a problem.
            problems.keep(stage)
        }
    };
    let mut api = HttpApi {
        logical_id: id.to_owned(),
        api_id,
        stage: stage.map_or_else(|| "$default".to_owned(), |stage| stage.name.clone()),
        routes: Vec::new(),
        authorizers: BTreeMap::new(),
        jwt_authorizers: BTreeMap::new(),
        cors: cors.unwrap_or_default(),
        stage_variables: stage.map_or_else(BTreeMap::new, |stage| stage.variables.clone()),
        throttling: Throttling::default(),
    };
    if let Some(quick) = quick.flatten() {
        let QuickCreate { key, integration } = quick;
        let granted = parts.require_http_permission(&integration, &api, &key, resource.at, id);
        problems.keep(granted);
        let (method, path) = key.split_once(' ').unwrap_or(("ANY", &key));
        api.routes.push(HttpRoute {
            method: method.to_owned(),
            path: path.to_owned(),
            target: integration.target.of_http(&key, problems)?,
            authorizer: None,
            scopes: Vec::new(),
            timeout: integration.timeout,
        });
    }
    parts.add_http_routes(&mut api, problems);
    if let Some(stage) = stage {
        let keys: Vec<String> = api.routes.iter().map(HttpRoute::key).collect();
        let keys = keys.iter().map(String::as_str);
        api.throttling = stage.throttling.clone().of(keys, problems);
    }
    Some(api)
}

/// The route of an API with a `Target`.
struct QuickCreate {
    key: String,
    integration: Integration,
}

fn quick_create(
    properties: &mut Properties<'_>,
    functions: &Functions,
) -> Result<Option<QuickCreate>, Problem> {
    let target = properties.optional("Target")?;
    let key = properties.text("RouteKey")?;
    let credentials = properties.optional("CredentialsArn")?;
    let Some(target) = target else {
        return Ok(None);
    };
    let is_endpoint = target.text()?.starts_with("http");
    Ok(Some(QuickCreate {
        key: key.unwrap_or_else(|| "$default".to_owned()),
        integration: Integration {
            target: if is_endpoint {
                endpoint_of(url(&target)?, "ANY", &BTreeMap::new(), target.at)?
            } else {
                Target::Function(function(&target, functions)?)
            },
            timeout: Duration::from_millis(HTTP_TIMEOUT.1),
            has_credentials: credentials.is_some(),
        },
    }))
}

impl Parts {
    /// Adds the routes and authorizers of an HTTP API that are declared outside of SAM's API.
    pub(in crate::template) fn complete_http(&self, api: &mut HttpApi, problems: &mut Problems) {
        self.require_no_stage(&api.api_id, problems);
        self.add_http_routes(api, problems);
    }

    fn add_http_routes(&self, api: &mut HttpApi, problems: &mut Problems) {
        for route in self.routes.values() {
            if route.api_id == api.api_id {
                let read = self.http_route(route, api, problems);
                api.routes.extend(problems.keep(read));
            }
        }
    }

    /// Fails if the integration of a route of an HTTP API calls a function that the gateway may not
    /// call.
    pub(in crate::template) fn require_http_permission(
        &self,
        integration: &Integration,
        api: &HttpApi,
        key: &str,
        at: Place,
        for_id: &str,
    ) -> Result<(), Problem> {
        let Target::Function(function) = &integration.target else {
            return Ok(());
        };
        if integration.has_credentials {
            return Ok(());
        }
        let source = permission::http_route_arn(&api.api_id, &api.stage, key);
        self.require_permission(function, &source, at, for_id)
    }

    fn http_route(
        &self,
        route: &Part<Route>,
        api: &mut HttpApi,
        problems: &mut Problems,
    ) -> Result<HttpRoute, Problem> {
        let (_, integration) = self.target(route)?;
        let key = &route.is.key;
        self.require_http_permission(integration, api, key, route.at, &route.logical_id)?;
        let (method, path) = route.is.method_and_path();
        let is_twice = |other: &HttpRoute| other.method == method && other.path == path;
        if api.routes.iter().any(is_twice) {
            return Err(route.problem("its route key is declared twice: remove one"));
        }
        let mut authorizer = None;
        if let Some(id) = &route.is.authorizer {
            let part = self.authorizer(id)?;
            let name = part.logical_id.clone();
            match &part.is {
                Authorizer::Function(it) => {
                    self.require_call(part, it, id.text()?)?;
                    let read = HttpAuthorizer {
                        function: it.function.clone(),
                        identity_sources: it.identity_sources.clone(),
                        cached_for: it.cached_for,
                    };
                    api.authorizers.insert(name.clone(), read);
                }
                Authorizer::Jwt(jwt) => {
                    api.jwt_authorizers.insert(name.clone(), jwt.clone());
                }
            }
            authorizer = Some(name);
        }
        let target = integration.target.of_http(key, problems);
        Ok(HttpRoute {
            method,
            path,
            target: target.ok_or_else(|| {
                let target = &route.is.target;
                target.expected("an integration of the same API")
            })?,
            authorizer,
            scopes: route.is.scopes.clone(),
            timeout: integration.timeout,
        })
    }
}

impl Target {
    /// Returns what the route of an HTTP API calls. `None` for an integration that only WebSocket
    /// APIs have.
    pub(in crate::template) fn of_http(
        &self,
        route: &str,
        problems: &mut Problems,
    ) -> Option<HttpTarget> {
        match self {
            Self::Function(function) => Some(HttpTarget::Function(function.clone())),
            Self::Endpoint(endpoint) => Some(HttpTarget::Endpoint(endpoint.clone())),
            Self::Absent(absent) => Some(HttpTarget::Absent(absent.announced(route, problems))),
            Self::Mock(_) => None,
        }
    }
}
