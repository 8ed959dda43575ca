//! `AWS::ApiGatewayV2::Integration`: what a route calls.

use std::{collections::BTreeMap, time::Duration};

use super::{absent::Absent, mapping, mock::MockRequest};
use crate::{
    stack::{Endpoint, REGION},
    template::{
        event_source::METHODS,
        functions::Functions,
        problem::{Place, Problem, Problems},
        properties::Properties,
        protocol::Protocol,
        yaml::Node,
    },
};

/// The bounds of the timeout of a WebSocket route, in milliseconds. The upper one is the default.
pub(in crate::template) const TIMEOUT: (u64, u64) = (50, 29_000);
/// The bounds of the timeout of an HTTP route, in milliseconds. The upper one is the default.
pub(in crate::template) const HTTP_TIMEOUT: (u64, u64) = (50, 30_000);

pub(in crate::template) struct Integration {
    pub(in crate::template) target: Target,
    pub(in crate::template) timeout: Duration,
    /// Whether the gateway uses a role, and so needs no permission of the function.
    pub(super) has_credentials: bool,
}

/// What an integration calls.
pub(in crate::template) enum Target {
    /// The logical id of a function.
    Function(String),
    /// Only in HTTP APIs.
    Endpoint(Endpoint),
    /// Only in WebSocket APIs.
    Mock(MockRequest),
    /// What the harness does not have.
    Absent(Absent),
}

impl Integration {
    pub(in crate::template) fn read(
        properties: &mut Properties<'_>,
        protocol: Protocol,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Option<Self> {
        let kind = properties.required("IntegrationType");
        let target = match problems.keep(kind) {
            Some(kind) => {
                let target = target(&kind, properties, protocol, functions, problems);
                problems.keep(target)
            }
            None => None,
        };
        let Some(target) = target else {
            properties.without_meaning();
            return None;
        };
        let bounds = match protocol {
            Protocol::WebSocket => TIMEOUT,
            Protocol::Http => HTTP_TIMEOUT,
        };
        let timeout = properties
            .optional("TimeoutInMillis")
            .and_then(|node| node.map_or(Ok(bounds.1), |it| it.whole_number(bounds.0, bounds.1)));
        let timeout = problems.keep(timeout);
        let credentials = problems.keep(properties.optional("CredentialsArn"));
        properties.without_effect(&["Description"]);
        Some(Self {
            target: target?,
            timeout: Duration::from_millis(timeout?),
            has_credentials: credentials?.is_some(),
        })
    }
}

/// Reads what the integration calls. `None` after a problem of a single property.
fn target(
    kind: &Node,
    properties: &mut Properties<'_>,
    protocol: Protocol,
    functions: &Functions,
    problems: &mut Problems,
) -> Result<Option<Target>, Problem> {
    let absent = match (kind.text()?, protocol) {
        ("AWS_PROXY", _) => match (properties.optional("IntegrationSubtype")?, protocol) {
            (Some(subtype), Protocol::Http) => Absent::subtype(subtype.at, subtype.text()?),
            (Some(subtype), Protocol::WebSocket) => {
                let owner = properties.owner();
                return Err(Problem::at(
                    subtype.at,
                    format!("{owner}: only HTTP APIs have an IntegrationSubtype: remove it"),
                ));
            }
            (None, _) => {
                let called = call(properties, protocol, functions, problems);
                return Ok(called.map(Target::Function));
            }
        },
        ("HTTP_PROXY", Protocol::Http) => return endpoint(properties, problems).map(Some),
        ("MOCK", Protocol::WebSocket) => {
            let request = MockRequest::read(kind.at, properties, problems);
            return request.map(|request| Some(Target::Mock(request)));
        }
        (other @ ("AWS" | "HTTP" | "HTTP_PROXY"), Protocol::WebSocket) => {
            let uri = properties.required("IntegrationUri")?;
            Absent::of_uri(kind.at, other, uri.text()?)
        }
        (_, Protocol::WebSocket) => {
            return Err(kind.expected("AWS or AWS_PROXY or HTTP or HTTP_PROXY or MOCK"));
        }
        (_, Protocol::Http) => return Err(kind.expected("AWS_PROXY or HTTP_PROXY")),
    };
    properties.without_meaning();
    Ok(Some(Target::Absent(absent)))
}

/// Reads the properties of an integration that calls a function. Returns its logical id.
fn call(
    properties: &mut Properties<'_>,
    protocol: Protocol,
    functions: &Functions,
    problems: &mut Problems,
) -> Option<String> {
    let function = properties
        .required("IntegrationUri")
        .and_then(|uri| function(&uri, functions));
    let function = problems.keep(function);
    for (name, accepted) in [
        ("IntegrationMethod", "POST"),
        ("ConnectionType", "INTERNET"),
    ] {
        problems.keep(properties.optional_one_of(name, &[accepted]));
    }
    match protocol {
        Protocol::WebSocket => {
            for (name, accepted) in [
                ("PayloadFormatVersion", "1.0"),
                ("ContentHandlingStrategy", "CONVERT_TO_TEXT"),
            ] {
                problems.keep(properties.optional_one_of(name, &[accepted]));
            }
        }
        Protocol::Http => {
            let version = properties.required_one_of("PayloadFormatVersion", &["2.0"]);
            problems.keep(version);
        }
    }
    function
}

/// Reads the properties of an integration of an HTTP API with another server.
fn endpoint(properties: &mut Properties<'_>, problems: &mut Problems) -> Result<Target, Problem> {
    if let Some(kind) = properties.optional("ConnectionType")?
        && kind.text()? == "VPC_LINK"
    {
        properties.without_meaning();
        return Ok(Target::Absent(Absent::vpc_link(kind.at)));
    }
    for (name, accepted) in [
        ("ConnectionType", "INTERNET"),
        ("PayloadFormatVersion", "1.0"),
    ] {
        problems.keep(properties.optional_one_of(name, &[accepted]));
    }
    let responses = properties.optional("ResponseParameters")?;
    let parameters = properties.texts("RequestParameters", problems);
    properties.without_effect(&["TlsConfig"]);
    let uri = url(&properties.required("IntegrationUri")?)?;
    let method = properties.required("IntegrationMethod")?;
    method.one_of(&METHODS)?;
    if let Some(responses) = responses {
        return Ok(Target::Absent(Absent::response_parameters(responses.at)));
    }
    let parameters = parameters.ok_or_else(Problem::consequence)?;
    endpoint_of(uri, method.text()?, &parameters, properties.at())
}

/// Returns the target of an integration with another server, whose properties are at `at`.
pub(super) fn endpoint_of(
    uri: String,
    method: &str,
    parameters: &BTreeMap<String, String>,
    at: Place,
) -> Result<Target, Problem> {
    Ok(match mapping::changes(parameters, at)? {
        Ok(changes) => Target::Endpoint(Endpoint {
            method: (method != "ANY").then(|| method.to_owned()),
            uri,
            changes,
        }),
        Err(absent) => Target::Absent(absent),
    })
}

/// Returns the URL of an endpoint.
pub(super) fn url(node: &Node) -> Result<String, Problem> {
    let text = node.text()?;
    // Braces are the places of path parameters.
    let is_url = reqwest::Url::parse(&text.replace(['{', '}'], "")).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|it| !it.is_empty())
    });
    if is_url && !text.contains('$') {
        Ok(text.to_owned())
    } else {
        Err(node.expected("the URL of an endpoint, with http:// or https://"))
    }
}

/// Returns the logical id of the function that an integration with this URI calls: the ARN of the
/// function, or the path of Lambda's API with it.
pub(super) fn function(uri: &Node, functions: &Functions) -> Result<String, Problem> {
    if uri.text()?.starts_with("arn:aws:apigateway:") {
        invocations(uri, functions)
    } else {
        functions.by_arn(uri)
    }
}

/// Returns the logical id of the function in the path of Lambda's API.
pub(super) fn invocations(uri: &Node, functions: &Functions) -> Result<String, Problem> {
    let prefix = format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/");
    let arn = uri
        .text()?
        .strip_prefix(&prefix)
        .and_then(|rest| rest.strip_suffix("/invocations"));
    match arn {
        Some(arn) => functions.by_arn(&Node::text_at(uri.at, arn)),
        None => Err(uri.expected(&format!("{prefix}ARN/invocations"))),
    }
}
