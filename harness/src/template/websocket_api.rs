//! `AWS::Serverless::WebSocketApi`. Route responses, and routes outside it, are in
//! [`super::api_gateway_v2`].

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    api_gateway_v2::{Parts, TIMEOUT, stage_name},
    api_ids::{api_id, part_id},
    functions::Functions,
    problem::{Problem, Problems},
    properties::Properties,
    references::route_logical_id,
    resource::Resource,
    scope::Scope,
    throttling,
};
use crate::stack::{
    Throttling, WebSocketApi, WebSocketAuthorizer, WebSocketRoute, WebSocketTarget,
};

const LIFECYCLE: [&str; 3] = ["$connect", "$disconnect", "$default"];

/// Reads the API. `parts` are all parts of the template. A part of another API is an error.
pub(super) fn read(
    resource: &Resource,
    scope: &Scope,
    functions: &Functions,
    parts: &Parts,
    problems: &mut Problems,
) -> Option<WebSocketApi> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let stage = problems.keep(stage(&mut properties));
    let selection = properties
        .required("RouteSelectionExpression")
        .and_then(|node| node.text().map(str::to_owned));
    let selection = problems.keep(selection);
    let routes = routes(id, &mut properties, functions, parts, problems);
    let routes = problems.keep(routes);
    let authorizer = authorizer(&mut properties, functions, problems);
    let authorizer = problems.keep(authorizer);
    let stage_variables = properties.texts("StageVariables", problems);
    let throttling = throttling::read(&mut properties, problems);
    properties.without_effect(&[
        "AccessLogSettings",
        // Without models and API keys, these select nothing.
        "ApiKeySelectionExpression",
        "Description",
        "DisableExecuteApiEndpoint",
        "DisableSchemaValidation",
        "Domain",
        "IpAddressType",
        "Name",
        "PropagateTags",
        "Tags",
    ]);
    properties.finish(problems);
    let (routes, route_ids) = routes?;
    let mut api = WebSocketApi {
        api_id: api_id(id),
        stage: stage?,
        route_selection_expression: selection?,
        routes,
        authorizer: authorizer?,
        stage_variables: stage_variables?,
        throttling: Throttling::default(),
    };
    parts.complete(&mut api, route_ids, problems);
    let keys = api.routes.keys().map(String::as_str);
    api.throttling = throttling?.of(keys, problems);
    if api.authorizer.is_some() && !api.routes.contains_key("$connect") {
        problems.add(Problem::at(
            resource.at,
            format!("{id}: the authorizer has no effect without a route $connect: add one"),
        ));
    }
    Some(api)
}

fn stage(properties: &mut Properties<'_>) -> Result<String, Problem> {
    match properties.optional("StageName")? {
        None => Ok("default".to_owned()),
        Some(node) => stage_name(&node),
    }
}

/// Returns the routes, and their ids.
fn routes(
    api: &str,
    properties: &mut Properties<'_>,
    functions: &Functions,
    parts: &Parts,
    problems: &mut Problems,
) -> Result<(BTreeMap<String, WebSocketRoute>, BTreeSet<String>), Problem> {
    let declared = properties
        .nested("Routes")?
        .ok_or_else(|| Problem::at(properties.at(), format!("{api}: Routes is missing")))?;
    let mut routes = BTreeMap::new();
    let mut route_ids = BTreeSet::new();
    for (key, at, route) in declared.each(problems) {
        if !LIFECYCLE.contains(&key.as_str()) && !key.chars().all(|c| c.is_ascii_alphanumeric()) {
            problems.add(Problem::at(
                at,
                format!("{api}: SAM accepts only $connect, $disconnect, $default and route keys of letters and digits"),
            ));
            continue;
        }
        let logical_id = route_logical_id(api, &key);
        let route_id = part_id(&logical_id);
        let answers = parts.answers(&route_id);
        let selects = route.has("RouteResponseSelectionExpression");
        if selects && !answers && !["$connect", "$disconnect"].contains(&key.as_str()) {
            problems.notice(at, without_reply(&key, &logical_id));
        }
        let read = self::route(route, answers, functions, problems);
        routes.extend(read.map(|route| (key.clone(), route)));
        if !route_ids.insert(route_id) {
            problems.add(Problem::at(
                at,
                format!(
                    "{api}: {key} differs from another route key in case only, and SAM treats both as one"
                ),
            ));
        }
    }
    Ok((routes, route_ids))
}

/// The notice about a route whose author expects replies.
fn without_reply(key: &str, logical_id: &str) -> String {
    format!(
        "the route {key} sends no replies: besides RouteResponseSelectionExpression it needs an \
         AWS::ApiGatewayV2::RouteResponse with `RouteId: !Ref {logical_id}`, which SAM does not make"
    )
}

fn route(
    mut route: Properties<'_>,
    answered: bool,
    functions: &Functions,
    problems: &mut Problems,
) -> Option<WebSocketRoute> {
    let function = route
        .required("FunctionArn")
        .and_then(|arn| functions.by_arn(&arn));
    let function = problems.keep(function);
    let timeout = route
        .optional("IntegrationTimeout")
        .and_then(|node| node.map_or(Ok(TIMEOUT.1), |it| it.whole_number(TIMEOUT.0, TIMEOUT.1)));
    let timeout = problems.keep(timeout);
    let selected = route.optional_one_of("RouteResponseSelectionExpression", &["$default"]);
    let selected = problems.keep(selected);
    problems.keep(route.optional_one_of("ApiKeyRequired", &["false"]));
    route.without_effect(&["OperationName"]);
    route.finish(problems);
    Some(WebSocketRoute {
        target: WebSocketTarget::Function(function?),
        timeout: Duration::from_millis(timeout?),
        replies: selected? && answered,
    })
}

fn authorizer(
    properties: &mut Properties<'_>,
    functions: &Functions,
    problems: &mut Problems,
) -> Result<Option<WebSocketAuthorizer>, Problem> {
    let Some(mut auth) = properties.nested("Auth")? else {
        return Ok(None);
    };
    let kind = auth.required("AuthType")?;
    let authorizer = match kind.text()? {
        "NONE" => None,
        "CUSTOM" => Some(WebSocketAuthorizer {
            function: functions.by_arn(&auth.required("AuthArn")?)?,
            identity_sources: match auth.optional("IdentitySource")? {
                Some(sources) => sources.texts()?,
                None => Vec::new(),
            },
        }),
        "JWT" => {
            return Err(kind.expected(
                "CUSTOM or NONE: a WebSocket API has no JWT authorizers, so a function has to \
                 verify the token",
            ));
        }
        _ => return Err(kind.expected("CUSTOM or NONE")),
    };
    auth.without_effect(&["InvokeRole", "Name"]);
    auth.finish(problems);
    Ok(authorizer)
}
