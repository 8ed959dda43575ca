//! The type of an API: WebSocket or HTTP.

use std::collections::BTreeMap;

use super::{
    api_ids::api_id,
    problem::Problem,
    properties::Properties,
    resource::{Kind, Resource},
    scope::Scope,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    WebSocket,
    Http,
}

/// Returns the type of the API, or `None` if the resource is not an API or its type is invalid.
pub(super) fn protocol(resource: &Resource, scope: &Scope) -> Option<Protocol> {
    match resource.kind {
        Kind::WebSocketApi => Some(Protocol::WebSocket),
        Kind::HttpApi => Some(Protocol::Http),
        Kind::Api => {
            let node = resource.properties.get("ProtocolType")?;
            match scope.resolve(node).ok()??.text().ok()? {
                "WEBSOCKET" => Some(Protocol::WebSocket),
                "HTTP" => Some(Protocol::Http),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Fails if the type of an `AWS::ApiGatewayV2::Api` is missing or invalid.
pub(super) fn require(api: &Resource, scope: &Scope) -> Result<(), Problem> {
    let mut properties = Properties::resolving(&api.logical_id, &api.properties, scope)?;
    properties.required_one_of("ProtocolType", &["WEBSOCKET", "HTTP"])
}

/// The types of all APIs by their ids. `None` for an API whose type is invalid.
pub(super) type Protocols = BTreeMap<String, Option<Protocol>>;

pub(super) fn protocols(resources: &[Resource], scope: &Scope) -> Protocols {
    let kinds = [Kind::WebSocketApi, Kind::HttpApi, Kind::Api];
    let apis = resources.iter().filter(|it| kinds.contains(&it.kind));
    apis.map(|it| (api_id(&it.logical_id), protocol(it, scope)))
        .collect()
}
