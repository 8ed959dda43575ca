//! `AWS::ApiGatewayV2::Route` and `AWS::ApiGatewayV2::RouteResponse`.

use super::part::Part;
use crate::template::{
    problem::{Problem, Problems},
    properties::Properties,
    yaml::Node,
};

const CONNECT: &str = "$connect";
const LIFECYCLE: [&str; 3] = [CONNECT, "$disconnect", "$default"];

pub(super) struct Route {
    pub(super) key: String,
    pub(super) target: Node,
    /// The id of the authorizer.
    pub(super) authorizer: Option<Node>,
    /// Whether it has a `RouteResponseSelectionExpression`.
    pub(super) selects_response: bool,
}

impl Route {
    pub(super) fn read(properties: &mut Properties<'_>, _: &mut Problems) -> Result<Self, Problem> {
        let key = properties.required("RouteKey")?;
        let name = key.text()?.to_owned();
        if name.starts_with('$') && !LIFECYCLE.contains(&name.as_str()) {
            return Err(
                key.expected("$connect, $disconnect, $default or a key without a leading $")
            );
        }
        let target = properties.required("Target")?;
        let authorizer = properties.optional("AuthorizerId")?;
        let authorizer = match properties.optional("AuthorizationType")? {
            None => None,
            Some(kind) => match kind.text()? {
                "NONE" => None,
                "CUSTOM" if name == CONNECT && authorizer.is_some() => authorizer,
                "CUSTOM" if name == CONNECT => {
                    return Err(kind.expected("NONE, or an AuthorizerId beside CUSTOM"));
                }
                "CUSTOM" => {
                    return Err(Problem::at(
                        kind.at,
                        format!(
                            "{}: only $connect can have an authorizer",
                            properties.owner()
                        ),
                    ));
                }
                _ => return Err(kind.expected("CUSTOM or NONE")),
            },
        };
        let selects_response =
            properties.optional_one_of("RouteResponseSelectionExpression", &["$default"])?;
        properties.optional_one_of("ApiKeyRequired", &["false"])?;
        properties.without_effect(&["OperationName"]);
        Ok(Self {
            key: name,
            target,
            authorizer,
            selects_response,
        })
    }
}

/// The `$default` response of a route.
pub(super) struct RouteResponse {
    pub(super) route_id: String,
    route: Node,
}

impl RouteResponse {
    pub(super) fn read(properties: &mut Properties<'_>, _: &mut Problems) -> Result<Self, Problem> {
        let route = properties.required("RouteId")?;
        properties.required_one_of("RouteResponseKey", &["$default"])?;
        Ok(Self {
            route_id: route.text()?.to_owned(),
            route,
        })
    }
}

impl Part<RouteResponse> {
    pub(super) fn without_route(&self) -> Problem {
        Problem::at(
            self.is.route.at,
            "ApiId and RouteId name no WebSocket route of this template; SAM names the route sendMessage of \
             ChatApi ChatApiSendmessageRoute",
        )
    }
}
