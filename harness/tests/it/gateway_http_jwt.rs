//! JWT authorizers of an HTTP API, with tokens of the local issuer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{extract::Request, middleware};
use harness::{
    cognito::Cognito,
    server::{self, Pages},
    stack::{HttpApi, JwtAuthorizer},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{advance, pause, resume},
};

use crate::{
    gateway::http,
    gateway_http::{Server, api, ok, status_and_json},
};

/// The local issuer on a port of its own.
struct Issuer {
    url: String,
    /// How often its keys were read.
    reads: Arc<AtomicUsize>,
    _shutdown: watch::Sender<bool>,
}

impl Issuer {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/.local/cognito");
        let reads = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&reads);
        let count = middleware::from_fn(move |request: Request, next: middleware::Next| {
            if request.uri().path().ends_with("jwks.json") {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            next.run(request)
        });
        let router = Cognito::new(url.clone(), "client".into(), None)
            .router()
            .layer(count);
        let (shutdown, ends) = watch::channel(false);
        tokio::spawn(server::serve(vec![listener], router, Pages::Cors, ends));
        Self {
            url,
            reads,
            _shutdown: shutdown,
        }
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    async fn token(&self, kind: &str, login: Value) -> String {
        let request = http().post(format!("{}/login", self.url));
        let response = request.body(login.to_string()).send().await.unwrap();
        let tokens: Value = response.json().await.unwrap();
        tokens[kind].as_str().unwrap().to_owned()
    }

    /// Returns an API whose route `/guarded` needs a token, and one of these scopes.
    fn api(&self, scopes: &[&str]) -> HttpApi {
        let mut api = api();
        api.authorizers.clear();
        let jwt = JwtAuthorizer {
            identity_source: "$request.header.Authorization".into(),
            issuer: self.url.clone(),
            audience: vec!["other".into(), "client".into()],
        };
        api.jwt_authorizers.insert("Tokens".into(), jwt);
        for route in &mut api.routes {
            route.scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        }
        api
    }
}

/// Returns the status, the message and the challenge of a request with this `Authorization`.
async fn refused(server: &Server, authorization: Option<&str>) -> (u16, Value, String) {
    let mut request = server.request(Method::GET, "/guarded");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let response = request.send().await.unwrap();
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    let challenge = challenge.to_owned();
    let (status, body) = status_and_json(response).await;
    (status, body["message"].clone(), challenge)
}

#[tokio::test]
async fn a_valid_token_passes_with_its_claims_as_texts() {
    let issuer = Issuer::open().await;
    let mut server = Server::open(issuer.api(&[]), ok()).await;
    let login = json!({ "user": "ada", "groups": ["admins", "users"], "email": "ada@example.com" });
    for (kind, prefix) in [
        ("accessToken", "Bearer "),
        ("accessToken", ""),
        ("idToken", "bearer "),
    ] {
        let token = issuer.token(kind, login.clone()).await;
        let request = server.request(Method::GET, "/guarded");
        let request = request.header("authorization", format!("{prefix}{token}"));
        assert_eq!(
            request.send().await.unwrap().status(),
            200,
            "{kind} {prefix}"
        );
        let event = server.calls.next("Rest").await;
        let jwt = &event["requestContext"]["authorizer"]["jwt"];
        let claims = &jwt["claims"];
        assert_eq!(jwt["scopes"], Value::Null);
        assert_eq!(claims["iss"], issuer.url);
        assert_eq!(claims["cognito:groups"], "[admins users]");
        assert!(
            claims["exp"].as_str().unwrap().parse::<u64>().is_ok(),
            "{claims}"
        );
        if kind == "idToken" {
            assert_eq!(claims["aud"], "client");
            assert_eq!(claims["email_verified"], "true");
        } else {
            assert_eq!(
                (&claims["client_id"], &claims["username"]),
                (&json!("client"), &json!("ada"))
            );
        }
    }
}

#[tokio::test]
async fn a_token_needs_one_of_the_scopes_of_its_route() {
    let issuer = Issuer::open().await;
    let mut server = Server::open(issuer.api(&["read", "write"]), ok()).await;
    let login = json!({ "user": "ada", "scope": "openid write" });
    let token = issuer.token("accessToken", login).await;
    let request = server.request(Method::GET, "/guarded");
    let request = request.header("authorization", format!("Bearer {token}"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let event = server.calls.next("Rest").await;
    assert_eq!(
        event["requestContext"]["authorizer"]["jwt"]["scopes"],
        json!(["write"])
    );

    let login = json!({ "user": "ada", "scope": "openid" });
    let token = issuer.token("accessToken", login).await;
    let (status, message, challenge) = refused(&server, Some(&token)).await;
    assert_eq!((status, message), (403, json!("Forbidden")));
    assert!(
        challenge.starts_with(r#"Bearer scope="read write" error="insufficient_scope""#),
        "{challenge}"
    );
    server.calls.assert_none();
}

#[tokio::test]
async fn every_other_token_is_refused_without_a_call() {
    let issuer = Issuer::open().await;
    let stranger = Issuer::open().await;
    let mut server = Server::open(issuer.api(&[]), ok()).await;
    let of = async |issuer: &Issuer, login: Value| issuer.token("accessToken", login).await;
    let valid = of(&issuer, json!({ "user": "ada" })).await;
    let (signed, _) = valid.rsplit_once('.').unwrap();
    let (head, _) = signed.split_once('.').unwrap();
    let (_, other_claims) = {
        let other = of(&issuer, json!({ "user": "eve" })).await;
        let (signed, _) = other.rsplit_once('.').unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        (head.to_owned(), claims.to_owned())
    };
    let (_, signature) = valid.rsplit_once('.').unwrap();
    let secret = EncodingKey::from_secret(b"secret");
    let symmetric = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &json!({}), &secret);
    for (token, reason) in [
        (
            of(&issuer, json!({ "user": "ada", "expiresIn": -1 })).await,
            "the token has expired",
        ),
        (
            of(&issuer, json!({ "user": "ada", "clientId": "stranger" })).await,
            "the token does not have a valid audience",
        ),
        (
            of(&stranger, json!({ "user": "ada" })).await,
            "the issuer has no key with the token's kid",
        ),
        (
            format!("{head}.{other_claims}.{signature}"),
            "the signature of the token is invalid",
        ),
        (symmetric.unwrap(), "the token is not signed by RSA"),
        ("token".to_owned(), "the token is malformed"),
    ] {
        let (status, message, challenge) = refused(&server, Some(&format!("Bearer {token}"))).await;
        assert_eq!((status, message), (401, json!("Unauthorized")), "{reason}");
        assert!(
            challenge.contains(r#"error="invalid_token""#),
            "{challenge}"
        );
        assert!(challenge.contains(reason), "{challenge}");
    }
    let missing = (401, json!("Unauthorized"), "Bearer".to_owned());
    assert_eq!(refused(&server, None).await, missing);
    server.calls.assert_none();
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_admits_nobody() {
    let issuer = Issuer::open().await;
    let mut api = issuer.api(&[]);
    let nowhere = format!("{}/nowhere", issuer.url);
    api.jwt_authorizers.get_mut("Tokens").unwrap().issuer = nowhere;
    let mut server = Server::open(api, ok()).await;
    let token = issuer.token("accessToken", json!({ "user": "ada" })).await;
    let (status, _, challenge) = refused(&server, Some(&token)).await;
    assert_eq!(status, 401);
    assert!(challenge.contains("discovery endpoint"), "{challenge}");
    server.calls.assert_none();
}

#[tokio::test]
async fn tokens_with_unknown_key_ids_make_no_issuer_be_asked_more_than_once_a_minute() {
    let issuer = Issuer::open().await;
    let stranger = Issuer::open().await;
    let server = Server::open(issuer.api(&[]), ok()).await;
    let login = json!({ "user": "ada" });
    let foreign = stranger.token("accessToken", login.clone()).await;
    for _ in 0..3 {
        assert_eq!(refused(&server, Some(&foreign)).await.0, 401);
    }
    assert_eq!(issuer.reads(), 1);

    pause();
    advance(Duration::from_secs(61)).await;
    resume();
    for _ in 0..3 {
        assert_eq!(refused(&server, Some(&foreign)).await.0, 401);
    }
    assert_eq!(issuer.reads(), 2);
    // The known key is still there.
    let token = issuer.token("accessToken", login).await;
    let request = server.request(Method::GET, "/guarded");
    let request = request.header("authorization", token);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(issuer.reads(), 2);
}

#[tokio::test]
async fn an_issuer_that_is_slow_does_not_delay_the_tokens_of_another_one() {
    let issuer = Issuer::open().await;
    // Its connections are accepted by the system, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut api = issuer.api(&[]);
    let mut jwt = api.jwt_authorizers["Tokens"].clone();
    jwt.issuer = format!("http://{}", silent.local_addr().unwrap());
    api.jwt_authorizers.insert("Silent".into(), jwt);
    api.routes[0].authorizer = Some("Silent".into());
    let server = Server::open(api, ok()).await;
    let token = issuer.token("accessToken", json!({ "user": "ada" })).await;
    let slow = server.request(Method::GET, "/open");
    let slow = slow.header("authorization", &token).send();
    let mut slow = tokio::spawn(slow);
    // The key of the silent issuer is being read.
    let _connection = silent.accept().await.unwrap();
    let request = server.request(Method::GET, "/guarded");
    let request = request.header("authorization", &token).send();
    tokio::select! {
        biased;
        _ = &mut slow => panic!("the silent issuer has not answered"),
        response = request => assert_eq!(response.unwrap().status(), 200),
    }
    slow.abort();
}
