//! A function's environment, read once at cold start.

use std::{env, num::NonZeroU32, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use chat::rate_limit::RateLimits;

use crate::Error;

const TABLE_NAME: &str = "TABLE_NAME";
/// The tokens that a user's bucket gains each second ([`chat::rate_limit`]).
const USER_REQUEST_RATE: &str = "USER_REQUEST_RATE";
/// The tokens of a full bucket.
const USER_REQUEST_BURST: &str = "USER_REQUEST_BURST";
/// The open connections that a user may have.
const USER_CONNECTIONS: &str = "USER_CONNECTIONS";
/// The participants that a conversation may have.
const MAX_PARTICIPANTS: &str = "MAX_PARTICIPANTS";
/// How long a message may be edited, in minutes.
const EDIT_WINDOW_MINUTES: &str = "EDIT_WINDOW_MINUTES";
/// The URL of the stage. The SDKs read the same variable.
const MANAGEMENT_ENDPOINT: &str = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI";

/// With this limit a failing call ends before the function's own time limit.
const ATTEMPTS: u32 = 3;
/// DynamoDB responds within milliseconds, so a second attempt need not wait for the SDK's default
/// of one second.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);

/// A required environment variable is missing or empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct MissingVariable(pub &'static str);

/// A required environment variable has a value that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} must be a whole number from 1 to 4294967295")]
pub struct InvalidVariable(pub &'static str);

/// Reads how many requests each user may make.
///
/// # Errors
/// Names the first variable that is missing or invalid.
pub fn request_limits() -> Result<RateLimits, Error> {
    Ok(RateLimits::new(
        number(USER_REQUEST_RATE)?,
        number(USER_REQUEST_BURST)?,
    ))
}

/// Reads how many open connections each user may have.
///
/// # Errors
/// Fails if the variable is missing or invalid.
pub fn connection_limit() -> Result<usize, Error> {
    Ok(usize::try_from(number(USER_CONNECTIONS)?.get())?)
}

/// Reads how many participants a conversation may have.
///
/// # Errors
/// Fails if the variable is missing or invalid.
pub fn participant_limit() -> Result<usize, Error> {
    Ok(usize::try_from(number(MAX_PARTICIPANTS)?.get())?)
}

/// Reads how long after it was sent a message may be edited.
///
/// # Errors
/// Fails if the variable is missing or invalid.
pub fn edit_window() -> Result<Duration, Error> {
    let minutes = number(EDIT_WINDOW_MINUTES)?.get();
    Ok(Duration::from_secs(60 * u64::from(minutes)))
}

/// The configuration of a function that uses the table.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The table's name.
    pub table: String,
    /// The region, credentials, endpoints, retries and timeouts of all clients.
    pub sdk: SdkConfig,
}

impl Configuration {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the first variable that is missing.
    pub async fn from_environment() -> Result<Self, MissingVariable> {
        let table = required(TABLE_NAME)?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_WAIT);
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(retries)
            .timeout_config(timeouts)
            .http_client(
                aws_smithy_http_client::Builder::new()
                    .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                    .build_https(),
            )
            .load()
            .await;
        Ok(Self { table, sdk })
    }

    /// Reads the URL of the stage to which pushes go.
    ///
    /// # Errors
    /// Fails if the variable is missing.
    pub fn management_endpoint() -> Result<String, MissingVariable> {
        required(MANAGEMENT_ENDPOINT)
    }
}

fn number(name: &'static str) -> Result<NonZeroU32, Error> {
    Ok(parse(name, &required(name)?)?)
}

fn parse(name: &'static str, value: &str) -> Result<NonZeroU32, InvalidVariable> {
    value.parse().map_err(|_| InvalidVariable(name))
}

fn required(name: &'static str) -> Result<String, MissingVariable> {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or(MissingVariable(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_number_names_its_variable() {
        let parsed = |value| parse(USER_CONNECTIONS, value).map(NonZeroU32::get);
        assert_eq!(parsed("100"), Ok(100));
        for value in ["0", "-1", "1.5", "many", " 1", "4294967296"] {
            let error = parsed(value).unwrap_err().to_string();
            assert!(error.contains(USER_CONNECTIONS), "{value}: {error}");
        }
    }
}
