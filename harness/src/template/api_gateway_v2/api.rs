//! `AWS::ApiGatewayV2::Api`: a WebSocket API without SAM.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::Parts;
use crate::{
    stack::{Throttling, WebSocketApi},
    template::{
        api_ids::api_id, problem::Problems, properties::Properties, resource::Resource,
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
        "ProtocolType",
        "Tags",
        "Version",
    ]);
    properties.finish(problems);
    let api_id = api_id(id);
    let stage = parts.stage(resource, &api_id, problems);
    // The routes are linked even if the stage has a problem.
    let stage = problems.keep(stage);
    let mut api = WebSocketApi {
        api_id,
        stage: stage.map_or_else(String::new, |stage| stage.name.clone()),
        route_selection_expression: selection.unwrap_or_default(),
        routes: BTreeMap::new(),
        authorizer: None,
        stage_variables: stage.map_or_else(BTreeMap::new, |stage| stage.variables.clone()),
        throttling: Throttling::default(),
    };
    parts.add_routes(&mut api, BTreeSet::new(), problems);
    if let Some(stage) = stage {
        let routes = api.routes.keys().map(String::as_str);
        api.throttling = stage.throttling.clone().of(routes, problems);
    }
    Some(api)
}
