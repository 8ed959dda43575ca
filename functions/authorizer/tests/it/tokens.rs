//! Which tokens are accepted, and why others are refused.

use authorizer::{AuthorizerError, AuthorizerResponse, TokenError};
use serde_json::{Value, json};

use crate::issuer::{Issuer, ManualClock, NOW, SigningKey, base64, handshake_with};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Returns the user and the expiry from a response to a handshake.
fn outcome(
    response: Result<AuthorizerResponse, AuthorizerError>,
) -> Result<(String, String), AuthorizerError> {
    match response? {
        AuthorizerResponse::WebSocket(policy) => {
            let context = policy.context.expect("an identity");
            Ok((context.user, context.expires))
        }
        AuthorizerResponse::Http(_) => panic!("a policy was expected"),
    }
}

fn ada() -> Result<(String, String), AuthorizerError> {
    Ok(("ada".to_owned(), (NOW + 3600).to_string()))
}

fn refused(error: TokenError) -> Result<(String, String), AuthorizerError> {
    Err(AuthorizerError::Token(error))
}

#[tokio::test]
async fn every_kind_of_published_key_verifies_its_own_algorithm() {
    let issuer = Issuer::start().await;
    let keys = [
        SigningKey::rsa(),
        SigningKey::rsa_pss(),
        SigningKey::p256(),
        SigningKey::p384(),
        SigningKey::ed25519(),
    ];
    let jwks: Vec<_> = keys.iter().map(|key| key.jwk(key.algorithm())).collect();
    issuer.publish(&jwks);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;
    for key in &keys {
        let token = key.token(key.algorithm(), &issuer.claims());
        let response = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(response), ada(), "{}", key.algorithm());
    }
}

#[tokio::test]
async fn a_token_with_a_wrong_signature_or_algorithm_is_refused() {
    let issuer = Issuer::start().await;
    let (rsa, ec, stranger) = (SigningKey::rsa(), SigningKey::p256(), SigningKey::p256());
    let (rsa_jwk, ec_jwk) = (rsa.jwk("rsa"), ec.jwk("ec"));
    let published_secret = SigningKey::Hmac(SECRET.as_bytes().to_vec());
    let mut for_encryption = ec.jwk("encryption");
    for_encryption["use"] = json!("enc");
    let mut ps256_only = rsa.jwk("ps256");
    ps256_only["alg"] = json!("PS256");
    issuer.publish(&[
        rsa_jwk.clone(),
        ec_jwk.clone(),
        published_secret.jwk("oct"),
        for_encryption,
        ps256_only,
        json!({"kid": "odd", "kty": "XYZ"}),
        json!("not a key"),
    ]);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;

    let claims = issuer.claims();
    // Key confusion: a public value used as a shared secret.
    let confused = |bytes: String, id| SigningKey::Hmac(bytes.into_bytes()).token(id, &claims);
    let member = |jwk: &Value, name: &str| jwk[name].as_str().unwrap().to_owned();
    let header = |alg: &str, id: &str| json!({"alg": alg, "kid": id});
    let good = ec.token("ec", &claims);
    let (head_and_claims, signature) = good.rsplit_once('.').unwrap();
    let head = head_and_claims.split_once('.').unwrap().0;
    let forged_claims = base64(issuer.claims_with("sub", json!("eve")).to_string());
    let unknown = |id: &str| TokenError::UnknownKey(Some(id.to_owned()));
    for (name, token, error) in [
        (
            "none",
            SigningKey::Nothing.token("ec", &claims),
            TokenError::Malformed,
        ),
        (
            "None",
            SigningKey::Nothing.sign(&header("None", "ec"), &claims),
            TokenError::Malformed,
        ),
        (
            "signature cut off",
            format!("{head_and_claims}."),
            TokenError::Signature,
        ),
        (
            "HS256 with RSA key",
            confused(member(&rsa_jwk, "n"), "rsa"),
            TokenError::Algorithm,
        ),
        (
            "HS256 with EC key",
            confused(member(&ec_jwk, "x"), "ec"),
            TokenError::Algorithm,
        ),
        (
            "HS256 with whole JWK",
            confused(ec_jwk.to_string(), "ec"),
            TokenError::Algorithm,
        ),
        (
            "HS256 with oct key",
            published_secret.token("oct", &claims),
            TokenError::Algorithm,
        ),
        (
            "RS256 with EC key",
            rsa.token("ec", &claims),
            TokenError::Algorithm,
        ),
        (
            "ES384 with P-256 key",
            ec.sign(&header("ES384", "ec"), &claims),
            TokenError::Algorithm,
        ),
        (
            "RS256 with PS256 key",
            rsa.token("ps256", &claims),
            TokenError::Algorithm,
        ),
        (
            "encryption key",
            ec.token("encryption", &claims),
            unknown("encryption"),
        ),
        (
            "key of unknown kind",
            ec.token("odd", &claims),
            unknown("odd"),
        ),
        ("unknown key", ec.token("other", &claims), unknown("other")),
        (
            "no key id",
            ec.sign(&json!({"alg": "ES256"}), &claims),
            TokenError::UnknownKey(None),
        ),
        (
            "another issuer's key",
            stranger.token("ec", &claims),
            TokenError::Signature,
        ),
        (
            "changed claims",
            format!("{head}.{forged_claims}.{signature}"),
            TokenError::Signature,
        ),
        (
            "critical extension",
            ec.sign(
                &json!({"alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": false}),
                &claims,
            ),
            TokenError::CriticalExtensions,
        ),
        (
            "two parts",
            head_and_claims.to_owned(),
            TokenError::Malformed,
        ),
        ("not a JWT", "opaque".to_owned(), TokenError::Malformed),
    ] {
        let response = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(response), refused(error), "{name}");
    }
    assert_eq!(
        outcome(authorizer.handle(handshake_with(&good)).await),
        ada()
    );
}

#[tokio::test]
async fn a_token_is_accepted_or_refused_by_its_claims() {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    issuer.publish(&[key.jwk("1")]);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;
    let missing = |claim: &str| refused(TokenError::MissingClaim(claim.to_owned()));
    let until = |end: u64| Ok(("ada".to_owned(), end.to_string()));
    for (claim, value, expected) in [
        ("iss", json!(null), missing("iss")),
        (
            "iss",
            json!("https://other.example"),
            refused(TokenError::Issuer),
        ),
        (
            "iss",
            json!(format!("{}/", issuer.url)),
            refused(TokenError::Issuer),
        ),
        ("iss", json!([issuer.url]), refused(TokenError::Issuer)),
        ("aud", json!(null), missing("aud")),
        ("aud", json!("other"), refused(TokenError::Audience)),
        ("aud", json!([]), refused(TokenError::Audience)),
        ("aud", json!(["other", "confab"]), ada()),
        ("exp", json!(null), missing("exp")),
        ("exp", json!("2100-01-01"), missing("exp")),
        ("exp", json!(NOW), refused(TokenError::Expired)),
        ("exp", json!(NOW + 1), until(NOW + 1)),
        ("exp", json!(NOW as f64 + 1.75), until(NOW + 1)),
        ("exp", json!(u64::MAX), refused(TokenError::Malformed)),
        ("nbf", json!(NOW), ada()),
        ("nbf", json!(NOW + 30), ada()),
        ("nbf", json!(NOW + 31), refused(TokenError::NotYetValid)),
        ("nbf", json!("tomorrow"), refused(TokenError::Malformed)),
        ("sub", json!(null), missing("sub")),
        ("sub", json!(42), missing("sub")),
        ("sub", json!(""), refused(TokenError::Subject)),
        ("sub", json!("u".repeat(129)), refused(TokenError::Subject)),
        (
            "sub",
            json!("ada\nconversation"),
            refused(TokenError::Subject),
        ),
        // Each looks the same as another id.
        ("sub", json!("Zoe\u{308}"), refused(TokenError::Subject)),
        ("sub", json!("a\u{200b}da"), refused(TokenError::Subject)),
        ("sub", json!("ada "), refused(TokenError::Subject)),
        ("sub", json!("ad\u{fffd}"), refused(TokenError::Subject)),
    ] {
        let token = key.token("1", &issuer.claims_with(claim, value.clone()));
        let response = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(response), expected, "{claim}: {value}");
    }
}

#[tokio::test]
async fn a_name_has_no_invisible_characters() {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    issuer.publish(&[key.jwk("1")]);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;
    for (claim, expected) in [
        (json!("Ada Lovelace"), "Ada Lovelace"),
        (json!("\u{202e}ecarg"), "ecarg"),
        (json!("  Gr\u{200b}ace\u{2069}"), "Grace"),
        (json!("\u{200b}\u{3164}\u{2800}"), "ada"),
        (json!(""), "ada"),
        (json!(null), "ada"),
        (json!(5), "ada"),
    ] {
        let token = key.token("1", &issuer.claims_with("name", claim.clone()));
        let response = authorizer.handle(handshake_with(&token)).await;
        let Ok(AuthorizerResponse::WebSocket(policy)) = response else {
            panic!("a policy was expected for {claim}");
        };
        assert_eq!(policy.context.unwrap().name, expected, "{claim}");
    }
}

#[tokio::test]
async fn only_access_and_identity_tokens_are_accepted() {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    issuer.publish(&[key.jwk("1")]);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;
    for (typ, expected) in [
        (json!("JWT"), ada()),
        (json!("jwt"), ada()),
        (json!("at+jwt"), ada()),
        (json!("application/at+jwt"), ada()),
        (json!("logout+jwt"), refused(TokenError::Type)),
        (json!("dpop+jwt"), refused(TokenError::Type)),
    ] {
        let header = json!({"alg": "ES256", "kid": "1", "typ": typ});
        let token = key.sign(&header, &issuer.claims());
        let response = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(response), expected, "{typ}");
    }
}

#[tokio::test]
async fn a_token_expires_while_the_function_runs() {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    issuer.publish(&[key.jwk("1")]);
    let clock = ManualClock::default();
    let authorizer = issuer.authorizer(&clock).await;
    let token = key.token("1", &issuer.claims());
    clock.advance(3599);
    assert_eq!(
        outcome(authorizer.handle(handshake_with(&token)).await),
        ada()
    );
    clock.advance(1);
    let response = authorizer.handle(handshake_with(&token)).await;
    assert_eq!(outcome(response), refused(TokenError::Expired));
}

#[tokio::test]
async fn a_shared_secret_verifies_hs256_only() {
    let issuer = Issuer::start().await;
    let variables = [("TOKEN_SHARED_SECRET", SECRET)];
    let authorizer = issuer
        .authorizer_with(&ManualClock::default(), &variables)
        .await;
    let secret = SigningKey::Hmac(SECRET.as_bytes().to_vec());
    let claims = issuer.claims();
    for (name, token, expected) in [
        (
            "good",
            secret.sign(&json!({"alg": "HS256"}), &claims),
            ada(),
        ),
        ("any key id", secret.token("1", &claims), ada()),
        (
            "other secret",
            SigningKey::Hmac(vec![b'x'; 32]).token("1", &claims),
            refused(TokenError::Signature),
        ),
        (
            "HS512",
            secret.sign(&json!({"alg": "HS512"}), &claims),
            refused(TokenError::Algorithm),
        ),
        (
            "RS256",
            SigningKey::rsa().token("1", &claims),
            refused(TokenError::Algorithm),
        ),
        (
            "none",
            SigningKey::Nothing.token("1", &claims),
            refused(TokenError::Malformed),
        ),
    ] {
        let response = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(response), expected, "{name}");
    }
    assert_eq!(issuer.fetches(), 0);
}

#[tokio::test]
async fn two_shared_secrets_are_accepted_while_one_replaces_the_other() {
    let issuer = Issuer::start().await;
    let new = "fedcba9876543210fedcba9876543210";
    let variables = [
        ("TOKEN_SHARED_SECRET", SECRET),
        ("TOKEN_SECOND_SHARED_SECRET", new),
    ];
    let authorizer = issuer
        .authorizer_with(&ManualClock::default(), &variables)
        .await;
    let mut other = issuer.claims();
    other["aud"] = json!("other");
    for (secret, claims, expected) in [
        (SECRET, issuer.claims(), ada()),
        (new, issuer.claims(), ada()),
        (SECRET, other.clone(), refused(TokenError::Audience)),
        (new, other, refused(TokenError::Audience)),
        (
            "another secret of 32 bytes or so",
            issuer.claims(),
            refused(TokenError::Signature),
        ),
    ] {
        let token = SigningKey::Hmac(secret.as_bytes().to_vec()).token("1", &claims);
        let response = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(response), expected, "{secret} {claims}");
    }
}

#[tokio::test]
async fn a_token_without_audience_is_accepted_by_its_client_only_if_configured() {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    issuer.publish(&[key.jwk("1")]);
    let jwks = format!("{}/jwks", issuer.url);
    let by_client = [
        ("TOKEN_JWKS_URL", jwks.as_str()),
        ("TOKEN_AUDIENCE_CLAIM", "client_id"),
    ];
    let clock = ManualClock::default();
    let by_client = issuer.authorizer_with(&clock, &by_client).await;
    let by_audience = issuer.authorizer(&clock).await;
    let missing = || refused(TokenError::MissingClaim("aud".to_owned()));
    let wrong = || refused(TokenError::Audience);
    for (audience, client, accepted_by_client, accepted_by_audience) in [
        (json!(null), json!("confab"), ada(), missing()),
        (json!(null), json!("other"), wrong(), missing()),
        (json!(null), json!(["confab"]), wrong(), missing()),
        (json!(null), json!(null), wrong(), missing()),
        (json!("confab"), json!("other"), ada(), ada()),
        (json!(["x", "confab"]), json!(null), ada(), ada()),
        // The same client has a token for another service.
        (json!("other"), json!("confab"), wrong(), wrong()),
        (json!([]), json!("confab"), wrong(), wrong()),
    ] {
        let mut claims = issuer.claims_with("aud", audience.clone());
        claims["client_id"] = client.clone();
        let token = key.token("1", &claims);
        let response = by_client.handle(handshake_with(&token)).await;
        assert_eq!(outcome(response), accepted_by_client, "{audience} {client}");
        let response = by_audience.handle(handshake_with(&token)).await;
        assert_eq!(
            outcome(response),
            accepted_by_audience,
            "{audience} {client}"
        );
    }
}
