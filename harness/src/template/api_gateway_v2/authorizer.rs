//! `AWS::ApiGatewayV2::Authorizer`.

use super::integration;
use crate::template::{functions::Functions, problem::Problem, properties::Properties};

pub(super) struct Authorizer {
    /// The logical id of the function.
    pub(super) function: String,
    pub(super) identity_sources: Vec<String>,
    /// Whether the gateway uses a role, and so needs no permission of the function.
    pub(super) has_credentials: bool,
}

impl Authorizer {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        functions: &Functions,
    ) -> Result<Self, Problem> {
        properties.required_one_of("AuthorizerType", &["REQUEST"])?;
        let function = integration::function(&properties.required("AuthorizerUri")?, functions)?;
        let identity_sources = match properties.optional("IdentitySource")? {
            Some(sources) => sources.texts()?,
            None => Vec::new(),
        };
        // A WebSocket API calls the authorizer at every handshake.
        properties.optional_one_of("AuthorizerResultTtlInSeconds", &["0"])?;
        let has_credentials = properties.optional("AuthorizerCredentialsArn")?.is_some();
        properties.without_effect(&["Name"]);
        Ok(Self {
            function,
            identity_sources,
            has_credentials,
        })
    }
}
