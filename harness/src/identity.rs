//! A development OIDC issuer: any user name can log in. It signs as a real issuer does, so that
//! authorizers verify exactly what they verify when deployed.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::server;

/// The lifetime of a token in seconds, unless the login asks for another.
const LIFETIME: i64 = 3600;
/// Ten years in seconds, the longest lifetime that a login may ask for.
const LONGEST_LIFETIME: i64 = 10 * 365 * 24 * 3600;
const LONGEST_NAME: usize = 256;

/// Why the issuer cannot start.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The key file cannot be read or written.
    #[error("cannot read or write the signing key in {}", path.display())]
    File {
        /// The path of the key file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The key file does not hold a P-256 key.
    #[error("{} does not hold a signing key; delete it, and the next start creates a new one", .0.display())]
    NotAKey(PathBuf),
    /// The cryptographic library failed to generate a key.
    #[error("cannot generate a signing key")]
    NoKey,
}

/// The issuer: its key and the claims that it writes into tokens.
#[derive(Clone)]
pub struct Identity(Arc<Issuer>);

struct Issuer {
    issuer: String,
    audience: String,
    key: EncodingKey,
    key_id: String,
    /// The public key as JWKS.
    keys: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Login {
    user: String,
    name: Option<String>,
    /// In seconds. Negative for a token that has expired already.
    expires_in: Option<i64>,
    audience: Option<String>,
}

#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    iat: i64,
    exp: i64,
}

impl Identity {
    /// Creates the issuer.
    ///
    /// - `issuer` is the URL of [`Identity::router`], such as `http://127.0.0.1:3000/.local`.
    /// - `audience` is the audience of tokens whose login names no other.
    /// - With `key_file` the key survives a restart, and so does every token. A missing file is
    ///   created, readable by its owner only.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn new(
        issuer: String,
        audience: String,
        key_file: Option<&Path>,
    ) -> Result<Self, IdentityError> {
        let pkcs8 = match key_file {
            Some(path) => kept_key(path, new_key)?,
            None => new_key()?,
        };
        let key_pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).map_err(|_| {
                key_file.map_or(IdentityError::NoKey, |path| {
                    IdentityError::NotAKey(path.to_owned())
                })
            })?;
        // An uncompressed point: the byte 4, then 32 bytes of x and 32 of y.
        let point = key_pair.public_key().as_ref();
        let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
            return Err(IdentityError::NoKey);
        };
        let [x, y] = [x, y].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate));
        // RFC 7638: the hash of the required members in this order. The same key has the same id
        // after a restart.
        let thumbprint = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let key_id = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(thumbprint));
        let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": key_id, "alg": "ES256", "use": "sig" }] });
        Ok(Self(Arc::new(Issuer {
            issuer,
            audience,
            key: EncodingKey::from_ec_der(&pkcs8),
            key_id,
            keys,
        })))
    }

    /// Serves `/.local/.well-known/openid-configuration`, `/.local/jwks.json` and `POST
    /// /.local/login` to local programs and pages of this machine, under this machine's own names.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/.local/.well-known/openid-configuration", get(discovery))
            .route("/.local/jwks.json", get(keys))
            .route("/.local/login", post(login))
            .layer(middleware::from_fn(allow_pages_of_this_machine))
            .with_state(self.clone())
    }

    fn token(&self, login: &Login) -> Result<String, jsonwebtoken::errors::Error> {
        let Issuer {
            issuer,
            audience,
            key,
            key_id,
            ..
        } = self.0.as_ref();
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let expires = now.saturating_add(login.expires_in.unwrap_or(LIFETIME));
        let claims = Claims {
            iss: issuer,
            sub: &login.user,
            aud: login.audience.as_deref().unwrap_or(audience),
            name: login.name.as_deref(),
            // A token does not expire before it is issued.
            iat: now.min(expires),
            exp: expires,
        };
        let header = Header {
            kid: Some(key_id.clone()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &claims, key)
    }
}

async fn discovery(State(identity): State<Identity>) -> Json<Value> {
    let issuer = &identity.0.issuer;
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks.json"),
        "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
    }))
}

async fn keys(State(identity): State<Identity>) -> Json<Value> {
    Json(identity.0.keys.clone())
}

async fn login(State(identity): State<Identity>, body: Bytes) -> Response {
    let login = match parse(&body) {
        Ok(login) => login,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, &detail),
    };
    match identity.token(&login) {
        Ok(token) => (
            [(header::CACHE_CONTROL, "no-store")],
            Json(json!({ "token": token })),
        )
            .into_response(),
        Err(_) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the token could not be signed",
        ),
    }
}

/// Reads a login. The error is a message for the client.
fn parse(body: &[u8]) -> Result<Login, String> {
    let login: Login = serde_json::from_slice(body).map_err(|error| {
        format!(r#"expected {{"user", "name"?, "expiresIn"?, "audience"?}}: {error}"#)
    })?;
    let texts = [
        ("user", Some(&login.user)),
        ("name", login.name.as_ref()),
        ("audience", login.audience.as_ref()),
    ];
    for (field, text) in texts {
        let Some(text) = text else { continue };
        if text.is_empty() || text.len() > LONGEST_NAME || text.chars().any(char::is_control) {
            return Err(format!(
                "{field} has to be 1 to {LONGEST_NAME} bytes without control characters"
            ));
        }
    }
    match login.expires_in {
        Some(seconds) if !(-LONGEST_LIFETIME..=LONGEST_LIFETIME).contains(&seconds) => {
            Err(format!(
                "expiresIn has to be between -{LONGEST_LIFETIME} and {LONGEST_LIFETIME} seconds"
            ))
        }
        _ => Ok(login),
    }
}

/// Returns an RFC 9457 problem.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let problem = json!({ "title": title, "status": status.as_u16(), "detail": detail });
    (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        problem.to_string(),
    )
        .into_response()
}

/// Adds CORS headers for pages on local ports only: pages of the internet must not get tokens.
pub(crate) async fn allow_pages_of_this_machine(request: Request, next: Next) -> Response {
    let origin = request
        .headers()
        .get(header::ORIGIN)
        .filter(|origin| origin.to_str().is_ok_and(server::is_loopback_origin))
        .cloned();
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = if is_preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if is_preflight {
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static("GET, POST"),
            );
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("content-type"),
            );
        }
    }
    response
}

fn new_key() -> Result<Vec<u8>, IdentityError> {
    let key_pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
        .map_err(|_| IdentityError::NoKey)?;
    let document = key_pair.to_pkcs8v1().map_err(|_| IdentityError::NoKey)?;
    Ok(document.as_ref().to_vec())
}

/// Reads the key in `path`, or writes the one that `generate` returns.
pub(crate) fn kept_key(
    path: &Path,
    generate: fn() -> Result<Vec<u8>, IdentityError>,
) -> Result<Vec<u8>, IdentityError> {
    let failed = |source| IdentityError::File {
        path: path.to_owned(),
        source,
    };
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read.map_err(failed),
    }
    let key = generate()?;
    // Written to a temporary file and renamed, so that an interrupted start leaves no partial key.
    // A leftover temporary file is overwritten.
    let unfinished = path.with_extension("unfinished");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(failed)?;
    file.write_all(&key)
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)?;
    Ok(key)
}
