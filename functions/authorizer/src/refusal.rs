//! The two ways of not letting somebody in: the token is not good enough ([`Refusal`], the client's), or it could not be
//! checked ([`Failure::KeysUnavailable`], ours). The client is told neither reason; the log is told which.

use lambda_http::lambda_runtime::Diagnostic;

/// Why a token was refused. What is displayed goes to the log and holds nothing of the token but its key id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither header has one.
    #[error("no token")]
    Missing,
    /// Several different ones were sent, and another reader might take another one.
    #[error("more than one token")]
    Ambiguous,
    /// No JWT, an algorithm nobody knows (`none` is one), or a claim of the wrong type.
    #[error("malformed token")]
    Malformed,
    /// Critical header extensions, none of which is understood here (RFC 7515, section 4.1.11).
    #[error("critical extensions")]
    CriticalExtensions,
    /// The algorithm is not what the configuration or the key is for.
    #[error("wrong algorithm")]
    Algorithm,
    /// The issuer publishes no such key.
    #[error("unknown key {0:?}")]
    UnknownKey(Option<String>),
    /// Signed by somebody else, or changed since.
    #[error("wrong signature")]
    Signature,
    /// `iss` is another one.
    #[error("wrong issuer")]
    Issuer,
    /// `aud` does not hold this service.
    #[error("wrong audience")]
    Audience,
    /// A required claim is not there or of the wrong type.
    #[error("claim {0} is missing")]
    MissingClaim(String),
    /// `exp` has come.
    #[error("expired")]
    Expired,
    /// `nbf` lies ahead.
    #[error("not yet valid")]
    NotYetValid,
    /// `sub` cannot be a user.
    #[error("sub is no user id")]
    Subject,
}

/// What the invocation fails with; the gateway tells the kinds apart by the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The gateway answers 401 to this message and to no other spelling of it.
    #[error("Unauthorized")]
    Refused(Refusal),
    /// The gateway answers 500.
    #[error("The keys that tokens are checked with could not be fetched")]
    KeysUnavailable,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        let error_type = match failure {
            Failure::Refused(_) => "Unauthorized",
            Failure::KeysUnavailable => "KeysUnavailable",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: failure.to_string(),
        }
    }
}
