//! `AWS::ApiGatewayV2::Integration`: which function a route calls.

use std::time::Duration;

use crate::{
    stack::REGION,
    template::{functions::Functions, problem::Problem, properties::Properties, yaml::Node},
};

/// The bounds of the timeout of a WebSocket route, in milliseconds. The upper one is the default.
pub(in crate::template) const TIMEOUT: (u64, u64) = (50, 29_000);

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
        functions: &Functions,
    ) -> Result<Self, Problem> {
        properties.required_one_of("IntegrationType", &["AWS_PROXY"])?;
        let function = function(&properties.required("IntegrationUri")?, functions)?;
        properties.optional_one_of("IntegrationMethod", &["POST"])?;
        properties.optional_one_of("ConnectionType", &["INTERNET"])?;
        properties.optional_one_of("PayloadFormatVersion", &["1.0"])?;
        properties.optional_one_of("ContentHandlingStrategy", &["CONVERT_TO_TEXT"])?;
        let timeout = match properties.optional("TimeoutInMillis")? {
            Some(node) => node.whole_number(TIMEOUT.0, TIMEOUT.1)?,
            None => TIMEOUT.1,
        };
        let has_credentials = properties.optional("CredentialsArn")?.is_some();
        properties.without_effect(&["Description"]);
        Ok(Self {
            function,
            timeout: Duration::from_millis(timeout),
            has_credentials,
        })
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
