//! Why a call is rejected, in AWS's words. Each service wraps the text in its own response.

use std::{error::Error, fmt};

use super::Verdict;

/// Why a call is rejected. `Display` is the message for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IamError {
    /// The call has no signature.
    #[error("Missing Authentication Token")]
    Missing,
    /// The signature lacks a field.
    #[error("{0}")]
    Incomplete(String),
    /// The access key is unknown, or the session token is not that of the key.
    #[error("The security token included in the request is invalid.")]
    Unrecognized,
    /// The signature does not match the request, has expired, or is for another service.
    #[error("{0}")]
    Invalid(String),
    /// The signature is not valid any more, or not yet. Only S3 tells this from
    /// [`IamError::Invalid`].
    #[error("{0}")]
    Outdated(&'static str),
    /// A header that must be signed is not. Only S3 requires this.
    #[error("There were headers present in the request which were not signed")]
    Unsigned(String),
    /// The caller has no permission.
    #[error(transparent)]
    Denied(#[from] Denial),
}

impl IamError {
    /// Returns the name of the error in SDKs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::Unrecognized => "UnrecognizedClientException",
            Self::Invalid(_) | Self::Outdated(_) | Self::Unsigned(_) => "InvalidSignatureException",
            Self::Denied(_) => "AccessDeniedException",
        }
    }

    /// Returns the key of the message in a JSON body. AWS spells it in two ways.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Denied(_) => "Message",
            _ => "message",
        }
    }
}

/// A call that a function has no permission for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The ARN of the session of the function.
    pub user: String,
    /// For example `dynamodb:Query`.
    pub action: String,
    /// The ARN of the resource.
    pub resource: String,
    /// Never [`Verdict::Allowed`].
    pub verdict: Verdict,
}

impl Error for Denial {}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            user,
            action,
            resource,
            verdict,
        } = self;
        write!(
            formatter,
            "User: {user} is not authorized to perform: {action} on resource: {resource} "
        )?;
        match verdict {
            Verdict::Forbidden => {
                formatter.write_str("with an explicit deny in an identity-based policy")
            }
            Verdict::Allowed | Verdict::Unmentioned => write!(
                formatter,
                "because no identity-based policy allows the {action} action"
            ),
        }
    }
}
