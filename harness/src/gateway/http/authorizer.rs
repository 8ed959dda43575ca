//! Authorizers of HTTP APIs: Lambda authorizers with payload 2.0 and simple responses, cached by
//! their identity sources, and JWT authorizers.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    event::Received,
    jwt::{Keys, TokenError},
    routes::Selected,
};
use crate::{
    gateway::integration,
    invoke::Invoke,
    stack::{HttpApi, HttpAuthorizer, JwtAuthorizer},
};

/// The time limit of an HTTP API's authorizer.
const LIMIT: Duration = Duration::from_secs(10);
/// The most verdicts that one API caches. Beyond it the oldest one is forgotten: callers choose the
/// identity sources, so they could fill the memory until the verdicts expire.
const MOST_VERDICTS: usize = 1_000;

/// Why a request is not authorized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AuthorizerError {
    /// An identity source is missing, or the function failed with `Unauthorized`.
    Unauthorized,
    /// The function denied access.
    Forbidden,
    /// The function failed, or its answer is invalid.
    Broken,
    /// There is no token for a JWT authorizer.
    NoToken,
    /// The token is refused.
    Token(TokenError),
}

/// The name of an authorizer and the values of its identity sources.
type Caller = (String, Vec<String>);

/// `None` denies access.
type Verdict = Option<Map<String, Value>>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerResponse {
    is_authorized: bool,
    #[serde(default)]
    context: Option<Map<String, Value>>,
}

/// The authorizers of one API and their cached verdicts.
#[derive(Debug, Default)]
pub(super) struct Authorizers {
    verdicts: Mutex<Verdicts>,
    keys: Keys,
}

#[derive(Debug, Default)]
struct Verdicts {
    by_caller: HashMap<Caller, Cached>,
    /// How many verdicts have been cached since the start.
    count: u64,
}

#[derive(Debug)]
struct Cached {
    verdict: Verdict,
    until: Instant,
    /// Verdicts are numbered in the order in which they are cached.
    number: u64,
}

impl Authorizers {
    /// Returns `requestContext.authorizer` of the event.
    pub(super) async fn authorize<I: Invoke>(
        &self,
        invoke: &I,
        api: &HttpApi,
        name: &str,
        selected: &Selected<'_>,
        received: &Received,
    ) -> Result<Value, AuthorizerError> {
        if let Some(jwt) = api.jwt_authorizers.get(name) {
            return self.verify(jwt, api, selected, received).await;
        }
        let authorizer = api.authorizers.get(name).ok_or(AuthorizerError::Broken)?;
        let identity = identity(authorizer, api, selected, received)?;
        let caller = (name.to_owned(), identity);
        let verdict = match self.cached(&caller) {
            Some(cached) => cached,
            None => {
                let event = received.authorizer_event(api, selected, &caller.1);
                let verdict = call(invoke, authorizer, event).await?;
                self.cache(caller, authorizer.cached_for, &verdict);
                verdict
            }
        };
        let context = verdict.ok_or(AuthorizerError::Forbidden)?;
        Ok(json!({ "lambda": context }))
    }

    async fn verify(
        &self,
        jwt: &JwtAuthorizer,
        api: &HttpApi,
        selected: &Selected<'_>,
        received: &Received,
    ) -> Result<Value, AuthorizerError> {
        let source = identity_source(&jwt.identity_source, api, selected, received)
            .map_err(|_| AuthorizerError::NoToken)?;
        let scopes = &selected.route.scopes;
        match self.keys.verify(jwt, scopes, &source).await {
            Ok(verified) => Ok(json!({ "jwt": verified })),
            Err(error) => {
                tracing::warn!(route = selected.key, "token refused: {error}");
                Err(AuthorizerError::Token(error))
            }
        }
    }

    fn cached(&self, caller: &Caller) -> Option<Verdict> {
        let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = verdicts.by_caller.get(caller)?;
        (Instant::now() < cached.until).then(|| cached.verdict.clone())
    }

    fn cache(&self, caller: Caller, cached_for: Duration, verdict: &Verdict) {
        // Without identity sources callers cannot be told apart, so nothing is cached.
        if caller.1.is_empty() || cached_for.is_zero() {
            return;
        }
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.insert(caller, cached_for, verdict.clone());
    }
}

impl Verdicts {
    fn insert(&mut self, caller: Caller, cached_for: Duration, verdict: Verdict) {
        let now = Instant::now();
        self.by_caller.retain(|_, cached| now < cached.until);
        if self.by_caller.len() >= MOST_VERDICTS && !self.by_caller.contains_key(&caller) {
            let ages = self.by_caller.iter();
            let oldest = ages.min_by_key(|(_, cached)| cached.number);
            if let Some(oldest) = oldest.map(|(caller, _)| caller.clone()) {
                self.by_caller.remove(&oldest);
            }
        }
        self.count += 1;
        let cached = Cached {
            verdict,
            until: now + cached_for,
            number: self.count,
        };
        self.by_caller.insert(caller, cached);
    }
}

async fn call<I: Invoke>(
    invoke: &I,
    authorizer: &HttpAuthorizer,
    event: Value,
) -> Result<Verdict, AuthorizerError> {
    let answer = integration::call(invoke, &authorizer.function, event, LIMIT)
        .await
        .map_err(|error| {
            if error.is_unauthorized() {
                AuthorizerError::Unauthorized
            } else {
                AuthorizerError::Broken
            }
        })?;
    let answer: AuthorizerResponse = serde_json::from_slice(&answer).map_err(|_| {
        tracing::warn!(
            function = authorizer.function,
            "invalid answer of the authorizer: expected {{isAuthorized, context}}"
        );
        AuthorizerError::Broken
    })?;
    Ok(answer
        .is_authorized
        .then(|| answer.context.unwrap_or_default()))
}

/// Returns the values of the identity sources. All are required.
fn identity(
    authorizer: &HttpAuthorizer,
    api: &HttpApi,
    selected: &Selected<'_>,
    received: &Received,
) -> Result<Vec<String>, AuthorizerError> {
    let sources = authorizer.identity_sources.iter();
    sources
        .map(|source| identity_source(source, api, selected, received))
        .collect()
}

/// Returns the value of an identity source. An empty one counts as missing.
fn identity_source(
    source: &str,
    api: &HttpApi,
    selected: &Selected<'_>,
    received: &Received,
) -> Result<String, AuthorizerError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let value = if let Some(name) = source.strip_prefix("$request.header.") {
        received
            .headers
            .get(&name.to_ascii_lowercase())
            .and_then(text)
    } else if let Some(name) = source.strip_prefix("$request.querystring.") {
        received.query.get(name).and_then(text)
    } else if let Some(name) = source.strip_prefix("$stageVariables.") {
        api.stage_variables.get(name).cloned()
    } else if source == "$context.routeKey" {
        Some(selected.key.to_owned())
    } else {
        tracing::warn!(source, "unsupported identity source of the authorizer");
        return Err(AuthorizerError::Broken);
    };
    value
        .filter(|value| !value.is_empty())
        .ok_or(AuthorizerError::Unauthorized)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_verdicts_are_cached() {
        let authorizers = Authorizers::default();
        let caller = |number: usize| ("Tokens".to_owned(), vec![number.to_string()]);
        let hour = Duration::from_secs(3_600);
        for number in 0..MOST_VERDICTS {
            authorizers.cache(caller(number), hour, &None);
        }
        // A verdict that is replaced takes no further place, and counts as new.
        authorizers.cache(caller(0), hour, &Some(Map::new()));
        assert_eq!(authorizers.cached(&caller(1)), Some(None));
        authorizers.cache(caller(MOST_VERDICTS), hour, &None);
        assert_eq!(authorizers.cached(&caller(1)), None);
        for kept in [0, 2, MOST_VERDICTS] {
            assert!(authorizers.cached(&caller(kept)).is_some(), "{kept}");
        }
        let verdicts = authorizers.verdicts.lock().unwrap();
        assert_eq!(verdicts.by_caller.len(), MOST_VERDICTS);
    }
}
