//! What the gateway is answered, in the two shapes that it reads.

use serde::Serialize;

use crate::identity::Identity;

/// An answer to either API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To the WebSocket API.
    Policy(Policy),
    /// To the HTTP API.
    Simple(Simple),
}

/// An IAM policy about one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The user; of nobody whose origin was refused.
    pub principal_id: String,
    /// What the principal may do.
    pub policy_document: PolicyDocument,
    /// Comes with every later event of the connection; only with an `Allow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
}

/// The policy's document, with one statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    /// `2012-10-17`.
    pub version: &'static str,
    /// Exactly one.
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

/// The simple answer of payload 2.0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Simple {
    /// Always true: what is refused fails instead.
    pub is_authorized: bool,
    /// Comes with the request's event.
    pub context: Context,
}

/// What the functions learn about the caller. All members are strings, because that is what arrives unchanged through
/// both APIs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Context {
    /// The user's id.
    pub user: String,
    /// The display name.
    pub name: String,
    /// When the token ends, in whole seconds since 1970-01-01 UTC.
    pub expires: String,
}

impl Answer {
    /// Lets a connection in.
    pub fn allow(method_arn: String, identity: Identity) -> Self {
        Self::Policy(Policy {
            principal_id: identity.user.as_str().to_owned(),
            policy_document: PolicyDocument::about(method_arn, "Allow"),
            context: Some(identity.into()),
        })
    }

    /// Keeps a connection out with 403. Nobody was identified, but the gateway wants a principal.
    pub fn deny(method_arn: String) -> Self {
        Self::Policy(Policy {
            principal_id: "nobody".to_owned(),
            policy_document: PolicyDocument::about(method_arn, "Deny"),
            context: None,
        })
    }

    /// Lets an HTTP request in.
    pub fn authorized(identity: Identity) -> Self {
        Self::Simple(Simple {
            is_authorized: true,
            context: identity.into(),
        })
    }
}

impl PolicyDocument {
    fn about(method_arn: String, effect: &'static str) -> Self {
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

impl From<Identity> for Context {
    fn from(identity: Identity) -> Self {
        Self {
            user: identity.user.as_str().to_owned(),
            name: identity.name,
            expires: identity.expires.to_string(),
        }
    }
}
