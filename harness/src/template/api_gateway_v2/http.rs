//! `AWS::ApiGatewayV2::Api` of HTTP, and routes of HTTP APIs outside of SAM.

use std::{collections::BTreeMap, time::Duration};

use super::{
    authorizer::Authorizer,
    integration::{HTTP_TIMEOUT, http_function},
    part::Part,
    parts::Parts,
    permission,
    route::Route,
};
use crate::{
    stack::{HttpApi, HttpAuthorizer, HttpRoute, Throttling},
    template::{
        api_ids::api_id,
        functions::Functions,
        http_api,
        problem::{Problem, Problems},
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
        if !quick.has_credentials {
            let source = permission::http_route_arn(&api.api_id, &api.stage, &quick.key);
            let granted = parts.require_permission(&quick.function, &source, resource.at, id);
            problems.keep(granted);
        }
        let (method, path) = quick.key.split_once(' ').unwrap_or(("ANY", &quick.key));
        api.routes.push(HttpRoute {
            method: method.to_owned(),
            path: path.to_owned(),
            function: quick.function,
            authorizer: None,
            scopes: Vec::new(),
            timeout: Duration::from_millis(HTTP_TIMEOUT.1),
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
    function: String,
    has_credentials: bool,
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
    Ok(Some(QuickCreate {
        key: key.unwrap_or_else(|| "$default".to_owned()),
        function: http_function(&target, functions)?,
        has_credentials: credentials.is_some(),
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
                let read = self.http_route(route, api);
                api.routes.extend(problems.keep(read));
            }
        }
    }

    fn http_route(&self, route: &Part<Route>, api: &mut HttpApi) -> Result<HttpRoute, Problem> {
        let integration = self.target(route)?;
        if !integration.has_credentials {
            let source = permission::http_route_arn(&api.api_id, &api.stage, &route.is.key);
            let function = &integration.function;
            self.require_permission(function, &source, route.at, &route.logical_id)?;
        }
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
        Ok(HttpRoute {
            method,
            path,
            function: integration.function.clone(),
            authorizer,
            scopes: route.is.scopes.clone(),
            timeout: integration.timeout,
        })
    }
}
