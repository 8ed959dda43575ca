//! An issuer for tests: freshly generated keys, tokens signed without the library that verifies
//! them, an HTTP server that counts requests for the key set, and a manual clock.

use std::{
    collections::BTreeMap,
    future::{Future, ready},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use authorizer::{Authorizer, Configuration, Event};
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chat::{domain::Timestamp, ports::Clock};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

pub const AUDIENCE: &str = "confab";
pub const METHOD_ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/dev/$connect";
/// The initial time of a test's clock, in seconds.
pub const NOW: u64 = 1_800_000_000;

/// A clock that a test advances.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(NOW)))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.advance(duration.as_secs());
        ready(())
    }
}

/// A private key with its algorithm.
pub enum SigningKey {
    Rsa(RsaKeyPair),
    RsaPss(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(Vec<u8>),
    /// For `alg: none`.
    Nothing,
}

impl SigningKey {
    pub fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub fn rsa_pss() -> Self {
        Self::RsaPss(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn p384() -> Self {
        Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::RsaPss(_) => "PS256",
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
            Self::Ed25519(_) => "EdDSA",
            Self::Hmac(_) => "HS256",
            Self::Nothing => "none",
        }
    }

    /// Returns the public key as a JWK.
    pub fn jwk(&self, id: &str) -> Value {
        match self {
            Self::Rsa(pair) | Self::RsaPss(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kid": id, "kty": "RSA", "n": base64(public.n), "e": base64(public.e)})
            }
            Self::P256(pair) | Self::P384(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kid": id, "kty": "EC", "crv": curve, "x": base64(x), "y": base64(y)})
            }
            Self::Ed25519(pair) => {
                json!({"kid": id, "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key())})
            }
            Self::Hmac(secret) => json!({"kid": id, "kty": "oct", "k": base64(secret)}),
            Self::Nothing => panic!("`alg: none` has no public key"),
        }
    }

    /// Returns a token with any header and claims, signed with this key.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!(
            "{}.{}",
            base64(header.to_string()),
            base64(claims.to_string())
        );
        let random = SystemRandom::new();
        let bytes = message.as_bytes();
        let rsa = |pair: &RsaKeyPair, encoding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, bytes, &mut signature).unwrap();
            signature
        };
        let signature = match self {
            Self::Rsa(pair) => rsa(pair, &RSA_PKCS1_SHA256),
            Self::RsaPss(pair) => rsa(pair, &RSA_PSS_SHA256),
            Self::P256(pair) | Self::P384(pair) => {
                pair.sign(&random, bytes).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(bytes).as_ref().to_vec(),
            Self::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, bytes).as_ref().to_vec()
            }
            Self::Nothing => Vec::new(),
        };
        format!("{message}.{}", base64(signature))
    }

    /// Returns a token with this key's algorithm in its header.
    pub fn token(&self, id: &str, claims: &Value) -> String {
        self.sign(
            &json!({"alg": self.algorithm(), "typ": "JWT", "kid": id}),
            claims,
        )
    }
}

pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The content of the issuer's HTTP server.
#[derive(Default)]
struct Site {
    /// Status and body by path. Other paths respond 404.
    pages: Mutex<BTreeMap<String, (u16, String)>>,
    requests: Mutex<BTreeMap<String, usize>>,
}

/// An issuer with an HTTP server on a free port.
#[derive(Clone)]
pub struct Issuer {
    pub url: String,
    site: Arc<Site>,
}

impl Issuer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let site = Arc::<Site>::default();
        tokio::spawn({
            let site = Arc::clone(&site);
            async move {
                while let Ok((mut socket, _)) = listener.accept().await {
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        request.push(socket.read_u8().await.unwrap());
                    }
                    let request = String::from_utf8(request).unwrap();
                    let path = request.split(' ').nth(1).unwrap().to_owned();
                    *site
                        .requests
                        .lock()
                        .unwrap()
                        .entry(path.clone())
                        .or_default() += 1;
                    let page = site.pages.lock().unwrap().get(&path).cloned();
                    let (status, body) = page.unwrap_or((404, String::new()));
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\nconnection: close\r\n"
                    );
                    // A client that refuses a large body closes the connection early.
                    let _ = socket
                        .write_all(format!("{head}location: /jwks\r\n\r\n{body}").as_bytes())
                        .await;
                }
            }
        });
        Self { url, site }
    }

    pub fn serve(&self, path: &str, status: u16, body: impl ToString) {
        let page = (status, body.to_string());
        self.site
            .pages
            .lock()
            .unwrap()
            .insert(path.to_owned(), page);
    }

    pub fn publish(&self, keys: &[Value]) {
        self.serve("/jwks", 200, json!({"keys": keys}));
    }

    /// Returns how often the key set was requested.
    pub fn fetches(&self) -> usize {
        let requests = self.site.requests.lock().unwrap();
        requests.get("/jwks").copied().unwrap_or_default()
    }

    /// Returns an authorizer that trusts this issuer's published keys.
    pub async fn authorizer(&self, clock: &ManualClock) -> Authorizer<ManualClock> {
        let jwks = format!("{}/jwks", self.url);
        self.authorizer_with(clock, &[("TOKEN_JWKS_URL", &jwks)])
            .await
    }

    /// Returns an authorizer with additional environment variables.
    pub async fn authorizer_with(
        &self,
        clock: &ManualClock,
        variables: &[(&str, &str)],
    ) -> Authorizer<ManualClock> {
        let mut all = BTreeMap::from([
            ("ALLOWED_ORIGINS", "https://chat.example.org"),
            ("TOKEN_ISSUER", &self.url),
            ("TOKEN_AUDIENCE", AUDIENCE),
        ]);
        all.extend(variables.iter().copied());
        let configuration =
            Configuration::read(|name| all.get(name).map(|value| (*value).to_owned())).unwrap();
        Authorizer::open(configuration, clock.clone())
            .await
            .unwrap()
    }

    /// Returns valid claims that expire in an hour.
    pub fn claims(&self) -> Value {
        json!({
            "iss": self.url, "aud": AUDIENCE, "sub": "ada", "name": "Ada Lovelace",
            "iat": NOW, "exp": NOW + 3600,
        })
    }

    /// Returns valid claims with one changed. `null` removes it.
    pub fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        let members = claims.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value);
        }
        claims
    }
}

/// Returns the event of a handshake with these headers.
pub fn handshake(headers: Value) -> Event {
    serde_json::from_value(json!({
        "type": "REQUEST", "methodArn": METHOD_ARN, "headers": headers,
        "requestContext": {"eventType": "CONNECT", "routeKey": "$connect"},
    }))
    .unwrap()
}

/// Returns the event of a handshake with only a token.
pub fn handshake_with(token: &str) -> Event {
    handshake(json!({"Authorization": format!("Bearer {token}")}))
}

/// Returns the event of an HTTP request with these headers.
pub fn request(headers: Value) -> Event {
    serde_json::from_value(json!({
        "version": "2.0", "type": "REQUEST", "routeArn": "arn:aws:execute-api:…",
        "headers": headers,
    }))
    .unwrap()
}
