//! `AWS::ApiGatewayV2::Authorizer`: a function, or the rules for a JWT.

use std::time::Duration;

use super::integration;
use crate::{
    stack::JwtAuthorizer,
    template::{
        functions::Functions,
        jwt,
        problem::{Problem, Problems},
        properties::Properties,
        protocol::Protocol,
    },
};

/// The longest time that the result of an HTTP API's authorizer is cached, in seconds.
const LONGEST_CACHE: u64 = 3_600;

pub(super) enum Authorizer {
    Function(FunctionAuthorizer),
    Jwt(JwtAuthorizer),
}

pub(super) struct FunctionAuthorizer {
    /// The logical id of the function.
    pub(super) function: String,
    pub(super) identity_sources: Vec<String>,
    pub(super) cached_for: Duration,
    /// Whether the gateway uses a role, and so needs no permission of the function.
    pub(super) has_credentials: bool,
}

impl Authorizer {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        protocol: Protocol,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Option<Self> {
        properties.without_effect(&["Name"]);
        let kind = problems.keep(kind(properties, protocol));
        let Some(is_jwt) = kind else {
            properties.without_meaning();
            return None;
        };
        if is_jwt {
            return jwt::read_part(properties, problems).map(Self::Jwt);
        }
        let function = properties
            .required("AuthorizerUri")
            .and_then(|uri| integration::invocations(&uri, functions));
        let function = problems.keep(function);
        let sources = properties
            .optional("IdentitySource")
            .and_then(|sources| sources.map_or(Ok(Vec::new()), |sources| sources.texts()));
        let identity_sources = problems.keep(sources);
        let cached_for = match protocol {
            // A WebSocket API calls the authorizer at every handshake.
            Protocol::WebSocket => {
                let ttl = properties.optional_one_of("AuthorizerResultTtlInSeconds", &["0"]);
                problems.keep(ttl);
                Some(Duration::ZERO)
            }
            Protocol::Http => http(properties, problems),
        };
        let credentials = problems.keep(properties.optional("AuthorizerCredentialsArn"));
        Some(Self::Function(FunctionAuthorizer {
            function: function?,
            identity_sources: identity_sources?,
            cached_for: cached_for?,
            has_credentials: credentials?.is_some(),
        }))
    }
}

/// Returns whether it is a JWT authorizer.
fn kind(properties: &mut Properties<'_>, protocol: Protocol) -> Result<bool, Problem> {
    let kind = properties.required("AuthorizerType")?;
    match (kind.text()?, protocol) {
        ("REQUEST", _) => Ok(false),
        ("JWT", Protocol::Http) => Ok(true),
        ("JWT", Protocol::WebSocket) => Err(kind.expected(
            "REQUEST: a WebSocket API has no JWT authorizers, so a function has to verify the token",
        )),
        (_, Protocol::WebSocket) => Err(kind.expected("REQUEST")),
        (_, Protocol::Http) => Err(kind.expected("REQUEST or JWT")),
    }
}

/// Reads what only a REQUEST authorizer of an HTTP API has. Returns how long results are cached.
fn http(properties: &mut Properties<'_>, problems: &mut Problems) -> Option<Duration> {
    for (name, value) in [
        ("AuthorizerPayloadFormatVersion", "2.0"),
        ("EnableSimpleResponses", "true"),
    ] {
        problems.keep(properties.required_one_of(name, &[value]));
    }
    let ttl = properties
        .optional("AuthorizerResultTtlInSeconds")
        .and_then(|ttl| ttl.map_or(Ok(0), |ttl| ttl.whole_number(0, LONGEST_CACHE)));
    problems.keep(ttl).map(Duration::from_secs)
}
