//! `AWS::ApiGatewayV2::Api`: a WebSocket API without SAM.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::Parts;
use crate::{
    stack::{Throttling, WebSocketApi},
    template::{
        problem::{Problem, Problems},
        properties::Properties,
        references::api_id,
        resource::Resource,
        scope::Scope,
    },
};

/// Reads the API and links its parts.
pub(in crate::template) fn read(
    resource: &Resource,
    scope: &Scope,
    parts: &Parts,
    problems: &mut Problems,
) -> Option<WebSocketApi> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let protocol = protocol(&mut properties);
    // The other properties have no meaning for another protocol.
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
    let stage = parts.stage(resource, problems);
    let stage = problems.keep(stage)?;
    let mut api = WebSocketApi {
        api_id: api_id(id),
        stage: stage.name.clone(),
        route_selection_expression: selection?,
        routes: BTreeMap::new(),
        authorizer: None,
        stage_variables: stage.variables.clone(),
        throttling: Throttling::default(),
    };
    parts.add_routes(&mut api, BTreeSet::new(), problems);
    let routes = api.routes.keys().map(String::as_str);
    api.throttling = stage.throttling.clone().of(routes, problems);
    Some(api)
}

fn protocol(properties: &mut Properties<'_>) -> Result<(), Problem> {
    let protocol = properties.required("ProtocolType")?;
    match protocol.text()? {
        "WEBSOCKET" => Ok(()),
        _ => Err(protocol.expected("WEBSOCKET; for an HTTP API use AWS::Serverless::HttpApi")),
    }
}
