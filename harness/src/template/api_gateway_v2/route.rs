//! `AWS::ApiGatewayV2::Route` and `AWS::ApiGatewayV2::RouteResponse`.

use super::part::Part;
use crate::template::{
    event_source::METHODS,
    problem::{Problem, Problems},
    properties::Properties,
    protocol::Protocol,
    yaml::Node,
};

const CONNECT: &str = "$connect";
const LIFECYCLE: [&str; 3] = [CONNECT, "$disconnect", "$default"];

pub(super) struct Route {
    pub(super) key: String,
    pub(super) target: Node,
    /// The id of the authorizer.
    pub(super) authorizer: Option<Node>,
    /// The scopes, one of which a token must have.
    pub(super) scopes: Vec<String>,
    /// Whether it has a `RouteResponseSelectionExpression`.
    pub(super) selects_response: bool,
}

impl Route {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        protocol: Protocol,
        problems: &mut Problems,
    ) -> Option<Self> {
        let key = problems.keep(key(properties, protocol));
        let target = problems.keep(properties.required("Target"));
        let authorizer = authorizer(properties, protocol, key.as_deref());
        let authorizer = problems.keep(authorizer);
        let mut scopes = Some(Vec::new());
        let mut selects_response = Some(false);
        match protocol {
            Protocol::WebSocket => {
                let expression = "RouteResponseSelectionExpression";
                let selects = properties.optional_one_of(expression, &["$default"]);
                selects_response = problems.keep(selects);
            }
            Protocol::Http => {
                let listed = properties
                    .optional("AuthorizationScopes")
                    .and_then(|node| node.map_or(Ok(Vec::new()), |node| node.texts()));
                scopes = problems.keep(listed);
            }
        }
        problems.keep(properties.optional_one_of("ApiKeyRequired", &["false"]));
        properties.without_effect(&["OperationName"]);
        Some(Self {
            key: key?,
            target: target?,
            authorizer: authorizer?,
            scopes: scopes?,
            selects_response: selects_response?,
        })
    }

    /// Returns the method and the path of a route of an HTTP API.
    pub(super) fn method_and_path(&self) -> (String, String) {
        let (method, path) = self.key.split_once(' ').unwrap_or(("ANY", &self.key));
        (method.to_owned(), path.to_owned())
    }
}

fn key(properties: &mut Properties<'_>, protocol: Protocol) -> Result<String, Problem> {
    let key = properties.required("RouteKey")?;
    let name = key.text()?;
    match protocol {
        Protocol::WebSocket if name.starts_with('$') && !LIFECYCLE.contains(&name) => {
            Err(key.expected("$connect, $disconnect, $default or a key without a leading $"))
        }
        Protocol::WebSocket => Ok(name.to_owned()),
        Protocol::Http => {
            let is_valid = name == "$default"
                || name.split_once(' ').is_some_and(|(method, path)| {
                    METHODS.contains(&method) && path.starts_with('/')
                });
            if is_valid {
                Ok(name.to_owned())
            } else {
                Err(key.expected("$default, or a method and a path such as `GET /pets/{id}`"))
            }
        }
    }
}

/// Returns the id of the authorizer.
fn authorizer(
    properties: &mut Properties<'_>,
    protocol: Protocol,
    key: Option<&str>,
) -> Result<Option<Node>, Problem> {
    let authorizer = properties.optional("AuthorizerId")?;
    let Some(kind) = properties.optional("AuthorizationType")? else {
        return Ok(None);
    };
    match (kind.text()?, protocol) {
        ("NONE", _) => Ok(None),
        ("CUSTOM" | "JWT", Protocol::Http) if authorizer.is_some() => Ok(authorizer),
        ("CUSTOM" | "JWT", Protocol::Http) => {
            Err(kind.expected("NONE, or an AuthorizerId beside CUSTOM or JWT"))
        }
        ("JWT", Protocol::WebSocket) => Err(kind.expected(
            "CUSTOM or NONE: a WebSocket API has no JWT authorizers, so a function has to verify \
             the token",
        )),
        ("CUSTOM", Protocol::WebSocket) => match key {
            Some(CONNECT) if authorizer.is_some() => Ok(authorizer),
            Some(CONNECT) => Err(kind.expected("NONE, or an AuthorizerId beside CUSTOM")),
            Some(_) => Err(Problem::at(
                kind.at,
                format!(
                    "{}: only $connect can have an authorizer",
                    properties.owner()
                ),
            )),
            None => Err(Problem::consequence()),
        },
        (_, Protocol::WebSocket) => Err(kind.expected("CUSTOM or NONE")),
        (_, Protocol::Http) => Err(kind.expected("CUSTOM, JWT or NONE")),
    }
}

/// The `$default` response of a route.
pub(super) struct RouteResponse {
    pub(super) route_id: String,
    route: Node,
}

impl RouteResponse {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        _: Protocol,
        problems: &mut Problems,
    ) -> Option<Self> {
        let route = properties.required("RouteId").and_then(|route| {
            let route_id = route.text()?.to_owned();
            Ok(Self { route_id, route })
        });
        let route = problems.keep(route);
        let key = properties.required_one_of("RouteResponseKey", &["$default"]);
        problems.keep(key)?;
        route
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
