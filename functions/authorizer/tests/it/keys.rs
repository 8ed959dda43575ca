//! How often the keys are fetched, and which tokens are accepted when the issuer does not respond.

use authorizer::{AuthorizerError, AuthorizerResponse, TokenError};
use futures_util::future::join_all;
use serde_json::json;

use crate::issuer::{Issuer, ManualClock, SigningKey, handshake_with};

fn is_allowed(response: &Result<AuthorizerResponse, AuthorizerError>) -> bool {
    matches!(response, Ok(AuthorizerResponse::WebSocket(policy)) if policy.context.is_some())
}

fn unknown(id: &str) -> Result<AuthorizerResponse, AuthorizerError> {
    Err(TokenError::UnknownKey(Some(id.to_owned())).into())
}

#[tokio::test]
async fn keys_are_fetched_at_the_start_and_cached() {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    issuer.publish(&[key.jwk("1")]);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;
    assert_eq!(issuer.fetches(), 1);
    let token = key.token("1", &issuer.claims());
    for _ in 0..3 {
        assert!(is_allowed(&authorizer.handle(handshake_with(&token)).await));
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn an_unknown_key_is_fetched_at_most_once_a_minute() {
    let issuer = Issuer::start().await;
    let (old, new) = (SigningKey::p256(), SigningKey::p256());
    issuer.publish(&[old.jwk("old")]);
    let clock = ManualClock::default();
    let authorizer = issuer.authorizer(&clock).await;
    let token = new.token("new", &issuer.claims());

    issuer.publish(&[old.jwk("old"), new.jwk("new")]);
    clock.advance(59);
    assert_eq!(
        authorizer.handle(handshake_with(&token)).await,
        unknown("new")
    );
    assert_eq!(issuer.fetches(), 1);
    clock.advance(1);
    assert!(is_allowed(&authorizer.handle(handshake_with(&token)).await));
    assert_eq!(issuer.fetches(), 2);

    let invented = new.token("invented", &issuer.claims());
    for _ in 0..3 {
        assert_eq!(
            authorizer.handle(handshake_with(&invented)).await,
            unknown("invented")
        );
    }
    assert_eq!(issuer.fetches(), 2);
    clock.advance(60);
    for _ in 0..3 {
        assert_eq!(
            authorizer.handle(handshake_with(&invented)).await,
            unknown("invented")
        );
    }
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn concurrent_requests_share_one_fetch_and_its_outcome() {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    let authorizer = issuer.authorizer(&ManualClock::default()).await;
    assert_eq!(issuer.fetches(), 1, "there are no keys yet");
    let token = key.token("1", &issuer.claims());
    let ask = || join_all((0..8).map(|_| authorizer.handle(handshake_with(&token))));

    let responses = ask().await;
    assert_eq!(responses, vec![Err(AuthorizerError::KeysUnavailable); 8]);
    assert_eq!(issuer.fetches(), 2);

    issuer.publish(&[key.jwk("1")]);
    assert!(ask().await.iter().all(is_allowed));
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn a_failing_issuer_is_an_internal_error_and_not_a_refused_token() {
    let issuer = Issuer::start().await;
    let (known, new) = (SigningKey::p256(), SigningKey::p256());
    issuer.publish(&[known.jwk("known")]);
    let clock = ManualClock::default();
    let authorizer = issuer.authorizer(&clock).await;
    let known = known.token("known", &issuer.claims());
    let new = new.token("new", &issuer.claims());
    for (status, body) in [
        (500, "down".to_owned()),
        (302, String::new()),
        (200, "not JSON".to_owned()),
        (200, json!({"keys": []}).to_string()),
        (200, format!("{{\"keys\":[]{}}}", " ".repeat(1024 * 1024))),
    ] {
        issuer.serve("/jwks", status, &body);
        clock.advance(60);
        let fetches = issuer.fetches();
        for _ in 0..2 {
            let response = authorizer.handle(handshake_with(&new)).await;
            assert_eq!(response, Err(AuthorizerError::KeysUnavailable), "{status}");
        }
        assert_eq!(issuer.fetches(), fetches + 1, "{status}");
        assert!(is_allowed(&authorizer.handle(handshake_with(&known)).await));
    }
}

#[tokio::test]
async fn a_withdrawn_key_is_dropped_within_the_hour_but_kept_during_an_outage() {
    let issuer = Issuer::start().await;
    let (withdrawn, kept) = (SigningKey::p256(), SigningKey::p256());
    issuer.publish(&[withdrawn.jwk("withdrawn"), kept.jwk("kept")]);
    let clock = ManualClock::default();
    let authorizer = issuer.authorizer(&clock).await;
    let claims = issuer.claims_with("exp", json!(4_000_000_000_u64));
    let withdrawn = withdrawn.token("withdrawn", &claims);

    issuer.serve("/jwks", 503, "down");
    clock.advance(3600);
    assert!(is_allowed(
        &authorizer.handle(handshake_with(&withdrawn)).await
    ));
    assert_eq!(issuer.fetches(), 2);

    issuer.publish(&[kept.jwk("kept")]);
    clock.advance(60);
    let response = authorizer.handle(handshake_with(&withdrawn)).await;
    assert_eq!(response, unknown("withdrawn"));
    let kept = kept.token("kept", &claims);
    assert!(is_allowed(&authorizer.handle(handshake_with(&kept)).await));
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn discovery_finds_the_keys_of_the_configured_issuer_only() {
    let issuer = Issuer::start().await;
    let key = SigningKey::rsa();
    issuer.publish(&[key.jwk("1")]);
    let token = key.token("1", &issuer.claims());
    let document = "/.well-known/openid-configuration";
    let jwks = format!("{}/jwks", issuer.url);
    for (discovery, expected) in [
        (json!({"issuer": issuer.url, "jwks_uri": jwks}), true),
        (
            json!({"issuer": "https://other.example", "jwks_uri": jwks}),
            false,
        ),
        (
            json!({"issuer": issuer.url, "jwks_uri": "http://192.0.2.1/jwks"}),
            false,
        ),
        (json!({"issuer": issuer.url}), false),
    ] {
        issuer.serve(document, 200, &discovery);
        let authorizer = issuer.authorizer_with(&ManualClock::default(), &[]).await;
        let response = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(is_allowed(&response), expected, "{discovery}");
        assert_eq!(
            response == Err(AuthorizerError::KeysUnavailable),
            !expected,
            "{discovery}"
        );
    }
}

#[tokio::test]
async fn a_token_without_key_id_is_verified_with_the_only_key() {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    let mut jwk = key.jwk("1");
    jwk.as_object_mut().unwrap().remove("kid");
    issuer.publish(&[jwk]);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;
    let token = key.sign(&json!({"alg": "ES256"}), &issuer.claims());
    assert!(is_allowed(&authorizer.handle(handshake_with(&token)).await));
}
