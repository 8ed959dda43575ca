//! The responses to each API: where the token is read from, which pages may connect, and the exact
//! JSON.

use authorizer::{AuthorizerError, Event, TokenError};
use lambda_http::lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::issuer::{Issuer, METHOD_ARN, ManualClock, NOW, SigningKey, handshake, request};

/// Checks what Lambda returns to the gateway for each event.
async fn check(events: impl FnOnce(&str, &str) -> Vec<(Event, Value)>) {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    issuer.publish(&[key.jwk("1")]);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;
    let token = key.token("1", &issuer.claims());
    let expired = key.token("1", &issuer.claims_with("exp", json!(NOW - 1)));
    for (event, expected) in events(&token, &expired) {
        let description = format!("{event:?}");
        let response = match authorizer.handle(event).await {
            Ok(response) => serde_json::to_value(response).unwrap(),
            Err(error) => serde_json::to_value(Diagnostic::from(error)).unwrap(),
        };
        assert_eq!(response, expected, "{description}");
    }
}

fn policy(effect: &str, principal: &str) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": effect, "Resource": METHOD_ARN}
            ],
        },
    })
}

fn context() -> Value {
    json!({"user": "ada", "name": "Ada Lovelace", "expires": (NOW + 3600).to_string()})
}

fn allowed() -> Value {
    let mut policy = policy("Allow", "ada");
    policy["context"] = context();
    policy
}

fn unauthorized() -> Value {
    json!({"errorType": "Unauthorized", "errorMessage": "Unauthorized"})
}

#[tokio::test]
async fn a_handshake_may_carry_its_token_in_either_header() {
    check(|token, expired| {
        let bearer = format!("Bearer {token}");
        let subprotocols = format!("confab.v1,  bearer.{token} ");
        let multiple: Event = serde_json::from_value(json!({
            "type": "REQUEST", "methodArn": METHOD_ARN, "headers": null,
            "multiValueHeaders": {"SEC-WEBSOCKET-PROTOCOL": ["confab.v1", format!("bearer.{token}")]},
            "requestContext": {"eventType": "CONNECT"},
        }))
        .unwrap();
        let in_url: Event = serde_json::from_value(json!({
            "type": "REQUEST", "methodArn": METHOD_ARN, "headers": {},
            "queryStringParameters": {"token": token, "Authorization": bearer},
            "requestContext": {"eventType": "CONNECT"},
        }))
        .unwrap();
        vec![
            (handshake(json!({"Sec-WebSocket-Protocol": subprotocols})), allowed()),
            (handshake(json!({"authorization": bearer})), allowed()),
            (handshake(json!({"AUTHORIZATION": format!(" bearer  {token} ")})), allowed()),
            (
                handshake(json!({"Sec-WebSocket-Protocol": subprotocols, "Authorization": bearer})),
                allowed(),
            ),
            (
                handshake(json!({"Sec-WebSocket-Protocol": subprotocols, "Authorization": "Basic YTpi"})),
                allowed(),
            ),
            (multiple, allowed()),
            (
                handshake(json!({
                    "Sec-WebSocket-Protocol": subprotocols,
                    "Authorization": format!("Bearer {expired}"),
                })),
                unauthorized(),
            ),
            (in_url, unauthorized()),
            (handshake(json!({"Authorization": format!("Bearer {expired}")})), unauthorized()),
            (handshake(json!({"Authorization": token})), unauthorized()),
            (handshake(json!({"Authorization": "Bearer "})), unauthorized()),
            (handshake(json!({"Sec-WebSocket-Protocol": "confab.v1"})), unauthorized()),
            (handshake(json!({"Sec-WebSocket-Protocol": "confab.v1, bearer."})), unauthorized()),
            (handshake(json!({})), unauthorized()),
        ]
    })
    .await;
}

#[tokio::test]
async fn a_handshake_is_accepted_from_an_allowed_page_or_without_an_origin() {
    check(|token, expired| {
        let from = |origin: &str, token: &str| {
            handshake(json!({"origin": origin, "Authorization": format!("Bearer {token}")}))
        };
        vec![
            (from("https://chat.example.org", token), allowed()),
            (
                from("https://evil.example", token),
                policy("Deny", "nobody"),
            ),
            (
                from("https://evil.example", expired),
                policy("Deny", "nobody"),
            ),
            (from("null", token), policy("Deny", "nobody")),
            (from("", token), policy("Deny", "nobody")),
            (from("https://chat.example.org", expired), unauthorized()),
        ]
    })
    .await;
}

#[tokio::test]
async fn an_http_request_needs_the_authorization_header_and_may_come_from_any_page() {
    check(|token, expired| {
        let bearer = format!("Bearer {token}");
        let simple = json!({"isAuthorized": true, "context": context()});
        vec![
            (request(json!({"authorization": bearer})), simple.clone()),
            (
                request(json!({"authorization": bearer, "origin": "https://evil.example"})),
                simple,
            ),
            (
                request(json!({"authorization": format!("Bearer {expired}")})),
                unauthorized(),
            ),
            (
                request(json!({"authorization": format!("{bearer},{bearer}")})),
                unauthorized(),
            ),
            (
                request(json!({"sec-websocket-protocol": format!("bearer.{token}")})),
                unauthorized(),
            ),
            (request(json!({})), unauthorized()),
        ]
    })
    .await;
}

#[test]
fn only_a_refused_token_is_reported_as_unauthorized() {
    let message = |error: AuthorizerError| Diagnostic::from(error).error_message;
    assert_eq!(message(TokenError::Missing.into()), "Unauthorized");
    assert_ne!(message(AuthorizerError::KeysUnavailable), "Unauthorized");
}

#[test]
fn the_sample_events_are_recognized_by_kind() {
    let sample = |text| serde_json::from_str::<Event>(text).unwrap();
    let websocket = sample(include_str!("../../../../events/authorizer_websocket.json"));
    let Event::WebSocket(websocket) = websocket else {
        panic!("a handshake was expected");
    };
    assert!(websocket.method_arn.ends_with("/$connect"));
    assert_eq!(websocket.headers.subprotocol_tokens().len(), 1);
    let http = sample(include_str!("../../../../events/authorizer_http.json"));
    let Event::Http(http) = http else {
        panic!("an HTTP request was expected");
    };
    assert_eq!(http.headers.authorization_tokens().len(), 1);
}

#[test]
fn events_of_other_apis_do_not_parse() {
    for event in [
        json!({"type": "TOKEN", "methodArn": METHOD_ARN, "authorizationToken": "Bearer x"}),
        json!({"type": "REQUEST", "methodArn": METHOD_ARN, "httpMethod": "GET", "requestContext": {}}),
        json!({"type": "REQUEST", "version": "1.0", "methodArn": METHOD_ARN, "headers": {}}),
        json!({}),
    ] {
        assert!(
            serde_json::from_value::<Event>(event.clone()).is_err(),
            "{event}"
        );
    }
}
