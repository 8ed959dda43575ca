//! The two reasons to reject a request: its token is not valid ([`TokenError`]), or the token could
//! not be checked ([`AuthorizerError::KeysUnavailable`]). The client learns only the status; the
//! details are in the log.

use lambda_http::lambda_runtime::Diagnostic;

/// Why a token is refused. The text goes to the log; the only part of the token in it is the key
/// id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Neither header holds a token.
    #[error("no token")]
    Missing,
    /// The request holds several different tokens. Another component might read a different one.
    #[error("more than one token")]
    Ambiguous,
    /// Not a JWT, an unknown algorithm (including `none`), or a claim of the wrong type.
    #[error("malformed token")]
    Malformed,
    /// The header has critical extensions; the authorizer supports none (RFC 7515, section 4.1.11).
    #[error("unsupported critical extensions")]
    CriticalExtensions,
    /// `typ` names a token that is not for access, for example a logout token.
    #[error("wrong token type")]
    Type,
    /// Neither the configuration nor the key allows the algorithm.
    #[error("wrong algorithm")]
    Algorithm,
    /// The issuer publishes no such key.
    #[error("unknown key {0:?}")]
    UnknownKey(Option<String>),
    /// Another key signed the token, or the token was changed after signing.
    #[error("wrong signature")]
    Signature,
    /// `iss` names another issuer.
    #[error("wrong issuer")]
    Issuer,
    /// `aud` does not include this service.
    #[error("wrong audience")]
    Audience,
    /// A required claim is missing or has the wrong type.
    #[error("claim {0} is missing")]
    MissingClaim(String),
    /// `exp` has passed.
    #[error("expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("not yet valid")]
    NotYetValid,
    /// `sub` is not a valid user id.
    #[error("sub is not a user id")]
    Subject,
}

/// Why an invocation fails. The gateway distinguishes the cases by the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizerError {
    /// The gateway responds 401 to exactly this message.
    #[error("Unauthorized")]
    Token(TokenError),
    /// The gateway responds 500.
    #[error("The keys for checking tokens could not be fetched")]
    KeysUnavailable,
}

impl From<TokenError> for AuthorizerError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<AuthorizerError> for Diagnostic {
    fn from(error: AuthorizerError) -> Self {
        let error_type = match error {
            AuthorizerError::Token(_) => "Unauthorized",
            AuthorizerError::KeysUnavailable => "KeysUnavailable",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: error.to_string(),
        }
    }
}
