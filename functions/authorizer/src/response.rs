//! The authorizer's responses, in the shapes that the two APIs read.

use chat::domain::Identity;
use serde::Serialize;

/// A response to either API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AuthorizerResponse {
    /// For the WebSocket API.
    WebSocket(Policy),
    /// For the HTTP API.
    Http(HttpResponse),
}

/// An IAM policy for one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The user id; `nobody` if the origin is not allowed.
    pub principal_id: String,
    /// What the principal may do.
    pub policy_document: PolicyDocument,
    /// Part of every later event of the connection. Present only with `Allow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<ResponseContext>,
}

/// The policy's document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    /// `2012-10-17`.
    pub version: &'static str,
    /// Exactly one statement.
    pub statement: [Statement; 1],
}

/// Allows or denies one method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// `execute-api:Invoke`.
    pub action: &'static str,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// The `methodArn` of the event, without wildcards.
    pub resource: String,
}

/// The simple response of payload 2.0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpResponse {
    /// Always true: if the token is rejected, the invocation fails instead.
    pub is_authorized: bool,
    /// Part of the request's event.
    pub context: ResponseContext,
}

/// What the functions learn about the caller. All members are strings, because both APIs pass
/// strings on unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResponseContext {
    /// The user id.
    pub user: String,
    /// The display name.
    pub name: String,
    /// When the token ends, in whole seconds since 1970-01-01 UTC.
    pub expires: String,
}

impl AuthorizerResponse {
    /// Accepts a connection.
    pub fn allow_connection(method_arn: String, identity: Identity) -> Self {
        Self::WebSocket(Policy {
            principal_id: identity.user.to_string(),
            policy_document: PolicyDocument::new(method_arn, "Allow"),
            context: Some(identity.into()),
        })
    }

    /// Rejects a connection: the gateway responds 403. The policy needs a principal, although no
    /// user is known.
    pub fn deny_connection(method_arn: String) -> Self {
        Self::WebSocket(Policy {
            principal_id: "nobody".to_owned(),
            policy_document: PolicyDocument::new(method_arn, "Deny"),
            context: None,
        })
    }

    /// Accepts an HTTP request.
    pub fn allow_request(identity: Identity) -> Self {
        Self::Http(HttpResponse {
            is_authorized: true,
            context: identity.into(),
        })
    }
}

impl PolicyDocument {
    fn new(method_arn: String, effect: &'static str) -> Self {
        Self {
            version: "2012-10-17",
            statement: [Statement {
                action: "execute-api:Invoke",
                effect,
                resource: method_arn,
            }],
        }
    }
}

impl From<Identity> for ResponseContext {
    fn from(identity: Identity) -> Self {
        Self {
            user: identity.user.to_string(),
            name: identity.name.as_str().to_owned(),
            expires: identity.expires.seconds().to_string(),
        }
    }
}
