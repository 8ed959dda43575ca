//! What the authorizer counts. Refused tokens and origins are what clients did; errors are ours.

use emf::Line;

use crate::{error::AuthorizerError, response::AuthorizerResponse};

/// Returns the metrics of one invocation.
#[must_use]
pub fn metrics(result: &Result<AuthorizerResponse, AuthorizerError>) -> Line {
    let mut line = Line::default();
    match result {
        Ok(AuthorizerResponse::WebSocket(policy)) if policy.context.is_none() => {
            line.count("RefusedOrigins", 1);
        }
        Ok(_) => {}
        Err(AuthorizerError::Token(_)) => line.count("RefusedTokens", 1),
        Err(AuthorizerError::KeysUnavailable) => line.count("Errors", 1),
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::TokenError;

    #[test]
    fn refusals_are_counted_apart_from_errors() {
        let arn = || "arn".to_owned();
        let counted = |name| {
            let mut line = Line::default();
            line.count(name, 1);
            line
        };
        for (result, expected) in [
            (
                Ok(AuthorizerResponse::deny_connection(arn())),
                counted("RefusedOrigins"),
            ),
            (
                Err(AuthorizerError::Token(TokenError::Expired)),
                counted("RefusedTokens"),
            ),
            (Err(AuthorizerError::KeysUnavailable), counted("Errors")),
        ] {
            assert_eq!(metrics(&result), expected);
        }
    }
}
