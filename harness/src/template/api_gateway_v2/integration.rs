//! `AWS::ApiGatewayV2::Integration`: which function a route calls.

use std::time::Duration;

use super::{Functions, Node, Problem, Properties, TIMEOUT, only};
use crate::stack::REGION;

pub(super) struct Integration {
    /// Logical id.
    pub(super) function: String,
    pub(super) timeout: Duration,
    /// Whether the gateway calls by a role, and so needs no permission of the function's.
    pub(super) has_credentials: bool,
}

impl Integration {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        functions: &Functions,
    ) -> Result<Self, Problem> {
        only(
            Some(properties.required("IntegrationType")?),
            &["AWS_PROXY"],
        )?;
        let function = function(&properties.required("IntegrationUri")?, functions)?;
        only(properties.optional("IntegrationMethod")?, &["POST"])?;
        only(properties.optional("ConnectionType")?, &["INTERNET"])?;
        only(properties.optional("PayloadFormatVersion")?, &["1.0"])?;
        only(
            properties.optional("ContentHandlingStrategy")?,
            &["CONVERT_TO_TEXT"],
        )?;
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

/// The logical id of the function that API Gateway calls by this URI.
pub(super) fn function(uri: &Node, functions: &Functions) -> Result<String, Problem> {
    let beginning = format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/");
    let arn = uri
        .text()?
        .strip_prefix(&beginning)
        .and_then(|rest| rest.strip_suffix("/invocations"));
    match arn {
        Some(arn) => functions.by_arn(&Node::text_at(uri.at, arn)),
        None => Err(uri.expected(&format!("{beginning}ARN/invocations"))),
    }
}
