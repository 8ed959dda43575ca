//! `AWS::Serverless::WebSocketApi`. What makes its routes reply, and what stands beside it, is in
//! [`super::api_gateway_v2`].

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Functions,
    api_gateway_v2::{Pieces, TIMEOUT, route_settings, stage_name},
    function::only,
    problem::{Problem, Problems},
    properties::Properties,
    resource::{Resource, api_id, piece_id, route_logical_id},
    scope::Scope,
};
use crate::stack::{WebSocketApi, WebSocketAuthorizer, WebSocketRoute};

const LIFECYCLE: [&str; 3] = ["$connect", "$disconnect", "$default"];

/// Reads the API. `pieces` are all of the template; those of another API are a mistake.
pub(super) fn read(
    resource: &Resource,
    scope: &Scope,
    functions: &Functions,
    pieces: &Pieces,
    problems: &mut Problems,
) -> Option<WebSocketApi> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let stage = problems.keep(stage(&mut properties));
    let selection = properties
        .required("RouteSelectionExpression")
        .and_then(|node| node.text().map(str::to_owned));
    let selection = problems.keep(selection);
    let routes = routes(id, &mut properties, functions, pieces, problems);
    let routes = problems.keep(routes);
    let authorizer = authorizer(&mut properties, functions, problems);
    let authorizer = problems.keep(authorizer);
    let stage_variables = problems.keep(properties.texts("StageVariables"));
    let settings = route_settings(&mut properties, problems);
    problems.keep(settings);
    properties.without_effect(&[
        "AccessLogSettings",
        "Description",
        "DisableExecuteApiEndpoint",
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
    };
    pieces.complete(&mut api, route_ids, problems);
    if api.authorizer.is_some() && !api.routes.contains_key("$connect") {
        problems.add(Problem::at(
            resource.at,
            format!("{id}: an authorizer needs a route $connect to guard"),
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

/// The routes, and their ids.
fn routes(
    api: &str,
    properties: &mut Properties<'_>,
    functions: &Functions,
    pieces: &Pieces,
    problems: &mut Problems,
) -> Result<(BTreeMap<String, WebSocketRoute>, BTreeSet<String>), Problem> {
    let declared = properties
        .nested("Routes")?
        .ok_or_else(|| Problem::at(properties.at(), format!("{api}: Routes are missing")))?;
    let mut routes = BTreeMap::new();
    let mut route_ids = BTreeSet::new();
    for (key, at, route) in declared.each()? {
        if !LIFECYCLE.contains(&key.as_str()) && !key.chars().all(|c| c.is_ascii_alphanumeric()) {
            problems.add(Problem::at(
                at,
                format!("{api}: SAM accepts $connect, $disconnect, $default and route keys of letters and digits"),
            ));
            continue;
        }
        let route_id = piece_id(&route_logical_id(api, &key));
        let read = self::route(route, pieces.answers(&route_id), functions, problems);
        routes.extend(problems.keep(read).map(|route| (key.clone(), route)));
        if !route_ids.insert(route_id) {
            problems.add(Problem::at(
                at,
                format!(
                    "{api}: SAM cannot tell {key} from another route key: they differ in case only"
                ),
            ));
        }
    }
    Ok((routes, route_ids))
}

fn route(
    mut route: Properties<'_>,
    answered: bool,
    functions: &Functions,
    problems: &mut Problems,
) -> Result<WebSocketRoute, Problem> {
    let function = functions.by_arn(&route.required("FunctionArn")?)?;
    let timeout = match route.optional("IntegrationTimeout")? {
        Some(node) => node.whole_number(TIMEOUT.0, TIMEOUT.1)?,
        None => TIMEOUT.1,
    };
    let selection = route.optional("RouteResponseSelectionExpression")?;
    let selected = selection.is_some();
    only(selection, &["$default"])?;
    route.without_effect(&["OperationName"]);
    route.finish(problems);
    Ok(WebSocketRoute {
        function,
        timeout: Duration::from_millis(timeout),
        replies: selected && answered,
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
        _ => return Err(kind.expected("CUSTOM or NONE")),
    };
    auth.without_effect(&["InvokeRole", "Name"]);
    auth.finish(problems);
    Ok(authorizer)
}
