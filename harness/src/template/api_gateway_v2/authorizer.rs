//! `AWS::ApiGatewayV2::Authorizer`.

use super::{Functions, Problem, Properties, integration, only};

pub(super) struct Authorizer {
    /// Logical id.
    pub(super) function: String,
    pub(super) identity_sources: Vec<String>,
    /// Whether the gateway calls by a role, and so needs no permission of the function's.
    pub(super) has_credentials: bool,
}

impl Authorizer {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        functions: &Functions,
    ) -> Result<Self, Problem> {
        only(Some(properties.required("AuthorizerType")?), &["REQUEST"])?;
        let function = integration::function(&properties.required("AuthorizerUri")?, functions)?;
        let identity_sources = match properties.optional("IdentitySource")? {
            Some(sources) => sources.texts()?,
            None => Vec::new(),
        };
        // WebSocket APIs ask at every handshake.
        only(properties.optional("AuthorizerResultTtlInSeconds")?, &["0"])?;
        let has_credentials = properties.optional("AuthorizerCredentialsArn")?.is_some();
        properties.without_effect(&["Name"]);
        Ok(Self {
            function,
            identity_sources,
            has_credentials,
        })
    }
}
