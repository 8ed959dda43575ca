//! `AWS::ApiGatewayV2::Integration`: which function a route calls.

use std::time::Duration;

use crate::{
    stack::REGION,
    template::{
        functions::Functions,
        problem::{Problem, Problems},
        properties::Properties,
        protocol::Protocol,
        yaml::Node,
    },
};

/// The bounds of the timeout of a WebSocket route, in milliseconds. The upper one is the default.
pub(in crate::template) const TIMEOUT: (u64, u64) = (50, 29_000);
/// The bounds of the timeout of an HTTP route, in milliseconds. The upper one is the default.
pub(in crate::template) const HTTP_TIMEOUT: (u64, u64) = (50, 30_000);

pub(super) struct Integration {
    /// The logical id of the function.
    pub(super) function: String,
    pub(super) timeout: Duration,
    /// Whether the gateway uses a role, and so needs no permission of the function.
    pub(super) has_credentials: bool,
}

impl Integration {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        protocol: Protocol,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Option<Self> {
        let kind = properties.required_one_of("IntegrationType", &["AWS_PROXY"]);
        let kind = kind.and_then(|()| of_a_function(properties));
        if problems.keep(kind).is_none() {
            properties.without_meaning();
            return None;
        }
        let function = properties
            .required("IntegrationUri")
            .and_then(|uri| match protocol {
                Protocol::WebSocket => function(&uri, functions),
                Protocol::Http => functions
                    .by_arn(&uri)
                    .or_else(|_| function(&uri, functions)),
            });
        let function = problems.keep(function);
        for (name, accepted) in [
            ("IntegrationMethod", "POST"),
            ("ConnectionType", "INTERNET"),
        ] {
            problems.keep(properties.optional_one_of(name, &[accepted]));
        }
        let bounds = match protocol {
            Protocol::WebSocket => {
                for (name, accepted) in [
                    ("PayloadFormatVersion", "1.0"),
                    ("ContentHandlingStrategy", "CONVERT_TO_TEXT"),
                ] {
                    problems.keep(properties.optional_one_of(name, &[accepted]));
                }
                TIMEOUT
            }
            Protocol::Http => {
                let version = properties.required_one_of("PayloadFormatVersion", &["2.0"]);
                problems.keep(version);
                HTTP_TIMEOUT
            }
        };
        let timeout = properties
            .optional("TimeoutInMillis")
            .and_then(|node| node.map_or(Ok(bounds.1), |it| it.whole_number(bounds.0, bounds.1)));
        let timeout = problems.keep(timeout);
        let credentials = problems.keep(properties.optional("CredentialsArn"));
        properties.without_effect(&["Description"]);
        Some(Self {
            function: function?,
            timeout: Duration::from_millis(timeout?),
            has_credentials: credentials?.is_some(),
        })
    }
}

/// Fails if the integration calls another service than Lambda.
fn of_a_function(properties: &mut Properties<'_>) -> Result<(), Problem> {
    match properties.optional("IntegrationSubtype")? {
        Some(node) => Err(Problem::at(
            node.at,
            format!(
                "{}: the harness supports integrations with functions only, not IntegrationSubtype",
                properties.owner()
            ),
        )),
        None => Ok(()),
    }
}

/// Returns the logical id of the function that an HTTP API calls for this URI, which may also be
/// the ARN of the function.
pub(super) fn http_function(uri: &Node, functions: &Functions) -> Result<String, Problem> {
    if uri.text()?.starts_with("arn:aws:apigateway:") {
        function(uri, functions)
    } else {
        functions.by_arn(uri)
    }
}

/// Returns the logical id of the function that API Gateway calls for this URI.
pub(super) fn function(uri: &Node, functions: &Functions) -> Result<String, Problem> {
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
