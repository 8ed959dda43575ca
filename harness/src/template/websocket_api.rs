//! `AWS::Serverless::WebSocketApi`, and the `AWS::ApiGatewayV2::RouteResponse`s without which its routes do not reply.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Functions,
    function::only,
    problem::{Place, Problem, Problems},
    properties::Properties,
    resource::{Resource, api_id, route_id, route_logical_id},
    scope::Scope,
};
use crate::stack::{WebSocketApi, WebSocketAuthorizer, WebSocketRoute};

/// Milliseconds: the least, and both the default and the most that an integration may take.
const TIMEOUT: (u64, u64) = (50, 29_000);
const LIFECYCLE: [&str; 3] = ["$connect", "$disconnect", "$default"];

/// The declared `$default` response of a route.
pub(super) struct RouteResponse {
    at: Place,
    api_id: String,
    route_id: String,
}

impl RouteResponse {
    pub(super) fn read(
        resource: &Resource,
        scope: &Scope,
        problems: &mut Problems,
    ) -> Result<Self, Problem> {
        let mut properties =
            Properties::resolving(&resource.logical_id, &resource.properties, scope)?;
        let api_id = properties.required("ApiId")?.text()?.to_owned();
        let route = properties.required("RouteId")?;
        only(
            Some(properties.required("RouteResponseKey")?),
            &["$default"],
        )?;
        properties.finish(problems);
        Ok(Self {
            at: route.at,
            api_id,
            route_id: route.text()?.to_owned(),
        })
    }

    pub(super) fn without_route(&self) -> Problem {
        Problem::at(
            self.at,
            "ApiId and RouteId name no WebSocket route of this template: SAM calls the route sendMessage of ChatApi \
             ChatApiSendmessageRoute",
        )
    }
}

/// Reads the API. `responses` are all of the template; those of another API are a mistake.
pub(super) fn read(
    resource: &Resource,
    scope: &Scope,
    functions: &Functions,
    responses: &[RouteResponse],
    problems: &mut Problems,
) -> Option<WebSocketApi> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let stage = problems.keep(stage(&mut properties));
    let selection = properties
        .required("RouteSelectionExpression")
        .and_then(|node| node.text().map(str::to_owned));
    let selection = problems.keep(selection);
    let routes = routes(id, &mut properties, functions, responses, problems);
    let routes = problems.keep(routes);
    let authorizer = authorizer(&mut properties, functions, problems);
    let authorizer = problems.keep(authorizer);
    let stage_variables = problems.keep(properties.texts("StageVariables"));
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
    let api = WebSocketApi {
        api_id: api_id(id),
        stage: stage?,
        route_selection_expression: selection?,
        routes: routes?,
        authorizer: authorizer?,
        stage_variables: stage_variables?,
    };
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
        Some(node) => {
            let name = node.text()?;
            let fits = !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if fits {
                Ok(name.to_owned())
            } else {
                Err(node.expected("a stage's name of letters, digits, - and _"))
            }
        }
    }
}

fn routes(
    api: &str,
    properties: &mut Properties<'_>,
    functions: &Functions,
    responses: &[RouteResponse],
    problems: &mut Problems,
) -> Result<BTreeMap<String, WebSocketRoute>, Problem> {
    let declared = properties
        .nested("Routes")?
        .ok_or_else(|| Problem::at(properties.at(), format!("{api}: Routes are missing")))?;
    let api_id = api_id(api);
    let mut routes = BTreeMap::new();
    let mut route_ids = Vec::new();
    for (key, at, route) in declared.each()? {
        if !LIFECYCLE.contains(&key.as_str()) && !key.chars().all(|c| c.is_ascii_alphanumeric()) {
            problems.add(Problem::at(
                at,
                format!("{api}: SAM accepts $connect, $disconnect, $default and route keys of letters and digits"),
            ));
            continue;
        }
        let route_id = route_id(&route_logical_id(api, &key));
        if route_ids.contains(&route_id) {
            problems.add(Problem::at(
                at,
                format!(
                    "{api}: SAM cannot tell {key} from another route key: they differ in case only"
                ),
            ));
        }
        let answered = responses
            .iter()
            .any(|response| response.route_id == route_id);
        let read = self::route(route, answered, functions, problems);
        routes.extend(problems.keep(read).map(|route| (key, route)));
        route_ids.push(route_id);
    }
    for response in responses {
        if response.api_id != api_id || !route_ids.contains(&response.route_id) {
            problems.add(response.without_route());
        }
    }
    Ok(routes)
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
