//! Why a call is not let in, in AWS's words. How a service wraps them is the doors' business.

use std::{error::Error, fmt};

use super::Verdict;

/// Why a call is not let in. `Display` is the message that the caller reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IamError {
    /// There is no signature.
    #[error("Missing Authentication Token")]
    Missing,
    /// There is one that cannot be read.
    #[error("{0}")]
    Incomplete(String),
    /// Nobody has this access key, or not with this session token.
    #[error("The security token included in the request is invalid.")]
    Unrecognized,
    /// The signature is not the request's, or its time is over, or it is meant for another service.
    #[error("{0}")]
    Invalid(String),
    /// The caller is known and may not.
    #[error(transparent)]
    Denied(#[from] Denial),
}

impl IamError {
    /// What SDKs call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::Unrecognized => "UnrecognizedClientException",
            Self::Invalid(_) => "InvalidSignatureException",
            Self::Denied(_) => "AccessDeniedException",
        }
    }

    /// The member of a JSON body that holds the message: AWS spells it in two ways.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Denied(_) => "Message",
            _ => "message",
        }
    }
}

/// What a function may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The ARN of the function's session.
    pub user: String,
    /// `dynamodb:Query`, …
    pub action: String,
    /// Its ARN.
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
