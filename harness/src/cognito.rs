//! A development issuer with the tokens of an Amazon Cognito user pool: signed by RSA, which JWT
//! authorizers of HTTP APIs require, as access tokens and as ID tokens. Anyone can log in.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{KeyPair, RSA_PKCS1_SHA256},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::identity::{self, IdentityError};

/// The lifetime of a token in seconds, unless the login asks for another.
const LIFETIME: i64 = 3600;
/// The scope of an access token if the login names none.
const SCOPE: &str = "aws.cognito.signin.user.admin";

/// The issuer. Clones share it.
#[derive(Clone)]
pub struct Cognito(Arc<Issuer>);

struct Issuer {
    issuer: String,
    client_id: String,
    key_file: Option<PathBuf>,
    /// Created at its first use, since generating an RSA key takes a while.
    key: OnceLock<Key>,
}

struct Key {
    pair: RsaKeyPair,
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Login {
    user: String,
    client_id: Option<String>,
    /// Scopes, separated by spaces.
    scope: Option<String>,
    groups: Option<Vec<String>>,
    email: Option<String>,
    /// In seconds. Negative for a token that has expired already.
    expires_in: Option<i64>,
}

/// The claims of both kinds of tokens.
#[derive(Default, Serialize)]
struct Claims<'a> {
    sub: String,
    iss: &'a str,
    token_use: &'a str,
    auth_time: i64,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(rename = "cognito:groups", skip_serializing_if = "Option::is_none")]
    groups: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(rename = "cognito:username", skip_serializing_if = "Option::is_none")]
    cognito_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

impl Cognito {
    /// Creates the issuer.
    ///
    /// - `issuer` is the URL of [`Cognito::router`]: `http://127.0.0.1:3000/.local/cognito`.
    /// - `client_id` is the audience of a token if the login names none.
    /// - With `key_file` the key survives a restart, so tokens stay valid.
    pub fn new(issuer: String, client_id: String, key_file: Option<PathBuf>) -> Self {
        Self(Arc::new(Issuer {
            issuer,
            client_id,
            key_file,
            key: OnceLock::new(),
        }))
    }

    /// Serves the discovery document and the keys at the paths of a user pool, and `POST
    /// /.local/cognito/login`, to local programs and pages of this machine.
    pub fn router(&self) -> Router {
        let path = |rest: &str| format!("/.local/cognito/{rest}");
        Router::new()
            .route(&path(".well-known/openid-configuration"), get(discovery))
            .route(&path(".well-known/jwks.json"), get(keys))
            .route(&path("login"), post(login))
            .layer(middleware::from_fn(identity::allow_pages_of_this_machine))
            .with_state(self.clone())
    }

    fn key(&self) -> Result<&Key, IdentityError> {
        if let Some(key) = self.0.key.get() {
            return Ok(key);
        }
        let pkcs8 = match &self.0.key_file {
            Some(path) => identity::kept_key(path, new_key)?,
            None => new_key()?,
        };
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| {
            let file = self.0.key_file.clone();
            file.map_or(IdentityError::NoKey, IdentityError::NotAKey)
        })?;
        let id = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(pair.public_key().as_ref()));
        Ok(self.0.key.get_or_init(|| Key { pair, id }))
    }

    fn sign(&self, claims: &Claims<'_>) -> Result<String, IdentityError> {
        let key = self.key()?;
        let parts = [json!({ "kid": key.id, "alg": "RS256" }), json!(claims)];
        let signed = parts
            .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let mut signature = vec![0; key.pair.public_modulus_len()];
        let random = SystemRandom::new();
        key.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| IdentityError::NoKey)?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(format!("{signed}.{signature}"))
    }

    /// Returns an access token and an ID token.
    fn tokens(&self, login: &Login) -> Result<[String; 2], IdentityError> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let expires = now.saturating_add(login.expires_in.unwrap_or(LIFETIME));
        let client_id = login.client_id.as_deref().unwrap_or(&self.0.client_id);
        let common = |token_use| Claims {
            // The id of a user is the same at every login.
            sub: Uuid::from_bytes(digest(&login.user)).to_string(),
            iss: &self.0.issuer,
            token_use,
            // A token does not expire before it is issued.
            auth_time: now.min(expires),
            iat: now.min(expires),
            exp: expires,
            jti: Uuid::new_v4().to_string(),
            groups: login.groups.as_deref(),
            ..Claims::default()
        };
        let access = Claims {
            client_id: Some(client_id),
            username: Some(&login.user),
            scope: Some(login.scope.as_deref().unwrap_or(SCOPE)),
            ..common("access")
        };
        let id = Claims {
            aud: Some(client_id),
            cognito_username: Some(&login.user),
            email: login.email.as_deref(),
            email_verified: login.email.is_some().then_some(true),
            ..common("id")
        };
        Ok([self.sign(&access)?, self.sign(&id)?])
    }
}

async fn discovery(State(cognito): State<Cognito>) -> Json<Value> {
    let issuer = &cognito.0.issuer;
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "token"],
        "subject_types_supported": ["public"],
    }))
}

async fn keys(State(cognito): State<Cognito>) -> Response {
    let key = match cognito.key() {
        Ok(key) => key,
        Err(error) => return failed(&error),
    };
    let public = key.pair.public_key();
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let n = encode(public.modulus().big_endian_without_leading_zero());
    let e = encode(public.exponent().big_endian_without_leading_zero());
    let key = json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": key.id, "n": n, "e": e });
    Json(json!({ "keys": [key] })).into_response()
}

async fn login(State(cognito): State<Cognito>, body: Bytes) -> Response {
    let login: Login = match serde_json::from_slice(&body) {
        Ok(login) => login,
        Err(error) => {
            let expected = r#"{"user", "clientId"?, "scope"?, "groups"?, "email"?, "expiresIn"?}"#;
            let detail = format!("expected {expected}: {error}");
            return identity::problem(StatusCode::BAD_REQUEST, &detail);
        }
    };
    match cognito.tokens(&login) {
        Ok([access, id]) => (
            [(header::CACHE_CONTROL, "no-store")],
            Json(json!({ "accessToken": access, "idToken": id })),
        )
            .into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &IdentityError) -> Response {
    identity::problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
}

fn new_key() -> Result<Vec<u8>, IdentityError> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| IdentityError::NoKey)?;
    let document = pair.as_der().map_err(|_| IdentityError::NoKey)?;
    Ok(document.as_ref().to_vec())
}

/// Returns the first 16 bytes of the hash.
fn digest(text: &str) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    std::array::from_fn(|index| hash.get(index).copied().unwrap_or_default())
}
