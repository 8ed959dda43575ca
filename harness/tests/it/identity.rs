//! The development issuer and the page, on one port.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use harness::{
    identity::{Identity, IdentityError},
    page::{self, Endpoints},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::gateway::{http, serve_http};

const ISSUER: &str = "http://127.0.0.1:3000/.local";

fn identity() -> Identity {
    Identity::new(ISSUER.into(), "confab".into(), None).unwrap()
}

/// A folder of this test's own, deleted when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("confab-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The issuer and the page on one port.
struct Server {
    port: u16,
    _shutdown: tokio::sync::watch::Sender<bool>,
}

impl Server {
    async fn open(identity: &Identity, folder: &Folder) -> Self {
        let endpoints = Endpoints {
            http_port: 3000,
            ws_port: 3001,
            stage: "dev".into(),
        };
        let router = identity
            .router()
            .merge(page::router(folder.0.clone(), endpoints));
        let (address, shutdown) = serve_http(router).await;
        Self {
            port: address.port(),
            _shutdown: shutdown,
        }
    }

    async fn get(&self, path: &str, host: &str) -> Response {
        let request = http()
            .get(format!("http://127.0.0.1:{}{path}", self.port))
            .header("host", host);
        request.send().await.unwrap()
    }

    async fn login(&self, body: &str) -> Response {
        let request = http()
            .post(format!("http://127.0.0.1:{}/.local/login", self.port))
            .body(body.to_owned());
        request.send().await.unwrap()
    }

    async fn token(&self, login: Value) -> String {
        let answer: Value = self.login(&login.to_string()).await.json().await.unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn keys(&self) -> JwkSet {
        self.get("/.local/jwks.json", "localhost")
            .await
            .json()
            .await
            .unwrap()
    }
}

/// Returns the claims, if a verifier accepts the token.
fn verified(
    token: &str,
    keys: &JwkSet,
    audience: &str,
) -> Result<Value, jsonwebtoken::errors::Error> {
    let header = jsonwebtoken::decode_header(token)?;
    let key = keys.find(&header.kid.unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[ISSUER]);
    Ok(jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation)?.claims)
}

#[tokio::test]
async fn tokens_verify_against_the_published_keys() {
    let folder = Folder::new();
    let server = Server::open(&identity(), &folder).await;
    let discovery: Value = server
        .get("/.local/.well-known/openid-configuration", "127.0.0.1")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(discovery["issuer"], ISSUER);
    assert_eq!(discovery["jwks_uri"], format!("{ISSUER}/jwks.json"));

    let keys = server.keys().await;
    let claims = verified(
        &server.token(json!({ "user": "ann", "name": "Ann" })).await,
        &keys,
        "confab",
    )
    .unwrap();
    assert_eq!(
        (&claims["sub"], &claims["name"]),
        (&json!("ann"), &json!("Ann"))
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        3600
    );

    let other = server
        .token(json!({ "user": "ann", "audience": "else" }))
        .await;
    assert!(verified(&other, &keys, "confab").is_err());
    assert!(
        verified(&other, &keys, "else")
            .unwrap()
            .get("name")
            .is_none()
    );
    let expired = server
        .token(json!({ "user": "ann", "expiresIn": -3600 }))
        .await;
    assert!(verified(&expired, &keys, "confab").is_err());

    let [header, payload, signature] = expired.split('.').collect::<Vec<_>>()[..] else {
        panic!("{expired}")
    };
    let mut claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 7200);
    let forged = format!(
        "{header}.{}.{signature}",
        BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    assert!(verified(&forged, &keys, "confab").is_err());
}

#[tokio::test]
async fn invalid_logins_get_a_reason() {
    let folder = Folder::new();
    let server = Server::open(&identity(), &folder).await;
    for (body, reason) in [
        ("", "expected"),
        ("{}", "missing field `user`"),
        (r#"{"user":""}"#, "user has to be"),
        (r#"{"user":"a\nb"}"#, "user has to be"),
        (r#"{"user":"ann","name":""}"#, "name has to be"),
        (r#"{"user":"ann","expires":1}"#, "unknown field `expires`"),
        (r#"{"user":"ann","expiresIn":1.5}"#, "expected i64"),
        (
            r#"{"user":"ann","expiresIn":99999999999}"#,
            "expiresIn has to be",
        ),
    ] {
        let response = server.login(body).await;
        assert_eq!(
            (
                response.status().as_u16(),
                response.headers()["content-type"].to_str().unwrap()
            ),
            (400, "application/problem+json"),
            "{body}"
        );
        let problem: Value = response.json().await.unwrap();
        assert!(
            problem["detail"].as_str().unwrap().contains(reason),
            "{body}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_key_file_outlives_the_process_and_is_readable_by_its_owner_only() {
    let folder = Folder::new();
    let file = folder.0.join("identity.der");
    let make = || Identity::new(ISSUER.into(), "confab".into(), Some(&file));
    let token = Server::open(&make().unwrap(), &folder)
        .await
        .token(json!({ "user": "ann" }))
        .await;
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let restarted = Server::open(&make().unwrap(), &folder).await;
    verified(&token, &restarted.keys().await, "confab").unwrap();
    let another = Server::open(&identity(), &folder).await;
    assert_ne!(
        another.keys().await.keys[0].common.key_id,
        restarted.keys().await.keys[0].common.key_id
    );

    fs::write(&file, "no key").unwrap();
    assert!(matches!(make(), Err(IdentityError::NotAKey(path)) if path == file));
}

#[tokio::test]
async fn only_pages_of_this_machine_may_log_in() {
    let folder = Folder::new();
    let server = Server::open(&identity(), &folder).await;
    let url = format!("http://127.0.0.1:{}/.local/login", server.port);
    for (origin, allowed) in [
        ("http://localhost:5173", true),
        ("http://[::1]:8080", true),
        ("https://example.com", false),
        ("null", false),
    ] {
        for method in [Method::OPTIONS, Method::POST] {
            let request = http()
                .request(method.clone(), &url)
                .header("origin", origin)
                .body(r#"{"user":"ann"}"#);
            let response = request.send().await.unwrap();
            let status = response.status();
            assert_eq!(status.is_success(), allowed, "{method} from {origin}");
            assert!(allowed || status == 403, "{method} from {origin}: {status}");
            let answer = response
                .headers()
                .get("access-control-allow-origin")
                .map(|value| value.to_str().unwrap());
            assert_eq!(answer, allowed.then_some(origin), "{method} from {origin}");
        }
    }
}

#[tokio::test]
async fn the_page_gets_the_apis_under_its_own_host_name() {
    let folder = Folder::new();
    let server = Server::open(&identity(), &folder).await;
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let response = server.get("/config.json", &format!("{host}:3000")).await;
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        let expected = json!({
            "http": format!("http://{host}:3000"),
            "ws": format!("ws://{host}:3001/dev"),
            "login": format!("http://{host}:3000/.local/login"),
        });
        assert_eq!(response.json::<Value>().await.unwrap(), expected);
        let socket = if host == "[::1]" {
            "ws:".to_owned()
        } else {
            format!("ws://{host}:3001")
        };
        assert!(
            policy.contains(&format!("connect-src 'self' {socket};")),
            "{policy}"
        );
    }
    for path in ["/config.json", "/", "/.local/jwks.json", "/nowhere"] {
        for host in ["rebound.example.com:3000", "localhost.example.com"] {
            assert_eq!(
                server.get(path, host).await.status(),
                403,
                "{path} as {host}"
            );
        }
    }
}

#[tokio::test]
async fn a_path_that_no_file_can_have_is_a_414() {
    let folder = Folder::new();
    let server = Server::open(&identity(), &folder).await;
    for path in ["a".repeat(256), "a/".repeat(2_500), "a".repeat(5_000)] {
        let response = server.get(&format!("/{path}"), "localhost").await;
        assert_eq!(response.status(), 414, "{} bytes", path.len());
    }
}

#[tokio::test]
async fn a_path_of_two_slashes_is_no_redirect_to_another_host() {
    let folder = Folder::new();
    fs::create_dir(folder.0.join("client")).unwrap();
    let server = Server::open(&identity(), &folder).await;
    let response = server.get("//client", "localhost").await;
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn files_are_served_with_their_type_and_uncached() {
    let folder = Folder::new();
    fs::create_dir(folder.0.join("parts")).unwrap();
    for (name, content) in [
        ("index.html", "<p>"),
        ("app.js", "1"),
        ("parts/style.css", "p{}"),
    ] {
        fs::write(folder.0.join(name), content).unwrap();
    }
    let server = Server::open(&identity(), &folder).await;
    for (path, status, kind) in [
        ("/", 200, "text/html"),
        ("/app.js", 200, "text/javascript"),
        ("/parts/style.css", 200, "text/css"),
        ("/nowhere", 404, "application/json"),
        ("/%2e%2e/Cargo.toml", 404, "application/json"),
    ] {
        let response = server.get(path, "localhost").await;
        assert_eq!(
            (
                response.status().as_u16(),
                response.headers()["content-type"].to_str().unwrap()
            ),
            (status, kind),
            "{path}"
        );
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(response.headers()[name], value, "{path}");
        }
    }
}
