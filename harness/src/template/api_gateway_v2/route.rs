//! `AWS::ApiGatewayV2::Route` and `AWS::ApiGatewayV2::RouteResponse`.

use super::{Node, Piece, Problem, Problems, Properties, only};

const CONNECT: &str = "$connect";
const LIFECYCLE: [&str; 3] = [CONNECT, "$disconnect", "$default"];

pub(super) struct Route {
    pub(super) key: String,
    pub(super) target: Node,
    /// The id of an authorizer.
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
                key.expected("$connect, $disconnect, $default or a key without a dollar sign")
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
                    return Err(kind.expected("NONE, or an AuthorizerId with it"));
                }
                "CUSTOM" => {
                    return Err(Problem::at(
                        kind.at,
                        format!(
                            "{}: API Gateway authorizes $connect only",
                            properties.owner()
                        ),
                    ));
                }
                _ => return Err(kind.expected("CUSTOM or NONE")),
            },
        };
        let selection = properties.optional("RouteResponseSelectionExpression")?;
        let selects_response = selection.is_some();
        only(selection, &["$default"])?;
        only(properties.optional("ApiKeyRequired")?, &["false"])?;
        properties.without_effect(&["OperationName"]);
        Ok(Self {
            key: name,
            target,
            authorizer,
            selects_response,
        })
    }
}

/// The declared `$default` response of a route.
pub(super) struct RouteResponse {
    pub(super) route_id: String,
    route: Node,
}

impl RouteResponse {
    pub(super) fn read(properties: &mut Properties<'_>, _: &mut Problems) -> Result<Self, Problem> {
        let route = properties.required("RouteId")?;
        only(
            Some(properties.required("RouteResponseKey")?),
            &["$default"],
        )?;
        Ok(Self {
            route_id: route.text()?.to_owned(),
            route,
        })
    }
}

impl Piece<RouteResponse> {
    pub(super) fn without_route(&self) -> Problem {
        Problem::at(
            self.is.route.at,
            "ApiId and RouteId name no WebSocket route of this template: SAM calls the route sendMessage of ChatApi \
             ChatApiSendmessageRoute",
        )
    }
}
