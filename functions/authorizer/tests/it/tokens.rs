//! Which tokens are believed.

use authorizer::{Answer, Failure, Refusal};
use serde_json::{Value, json};

use crate::issuer::{Issuer, ManualClock, NOW, SigningKey, base64, handshake_with};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What came of a token: the user and the end, or why not.
fn outcome(answer: Result<Answer, Failure>) -> Result<(String, String), Failure> {
    match answer? {
        Answer::Policy(policy) => {
            let context = policy.context.expect("an identity");
            Ok((context.user, context.expires))
        }
        Answer::Simple(_) => panic!("a policy was expected"),
    }
}

fn ada() -> Result<(String, String), Failure> {
    Ok(("ada".to_owned(), (NOW + 3600).to_string()))
}

fn refused(refusal: Refusal) -> Result<(String, String), Failure> {
    Err(Failure::Refused(refusal))
}

#[tokio::test]
async fn every_kind_of_published_key_checks_its_own_algorithm() {
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
        let answer = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(answer), ada(), "{}", key.algorithm());
    }
}

#[tokio::test]
async fn a_token_is_refused_for_its_signature() {
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
        json!("no key at all"),
    ]);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;

    let claims = issuer.claims();
    // Key confusion: what everybody can read, taken for a shared secret.
    let confused = |bytes: String, id| SigningKey::Hmac(bytes.into_bytes()).token(id, &claims);
    let member = |jwk: &Value, name: &str| jwk[name].as_str().unwrap().to_owned();
    let header = |alg: &str, id: &str| json!({"alg": alg, "kid": id});
    let good = ec.token("ec", &claims);
    let (head_and_claims, signature) = good.rsplit_once('.').unwrap();
    let head = head_and_claims.split_once('.').unwrap().0;
    let forged_claims = base64(issuer.claims_with("sub", json!("eve")).to_string());
    let unknown = |id: &str| Refusal::UnknownKey(Some(id.to_owned()));
    for (name, token, refusal) in [
        (
            "none",
            SigningKey::Nothing.token("ec", &claims),
            Refusal::Malformed,
        ),
        (
            "None",
            SigningKey::Nothing.sign(&header("None", "ec"), &claims),
            Refusal::Malformed,
        ),
        (
            "signature cut off",
            format!("{head_and_claims}."),
            Refusal::Signature,
        ),
        (
            "HS256 with RSA key",
            confused(member(&rsa_jwk, "n"), "rsa"),
            Refusal::Algorithm,
        ),
        (
            "HS256 with EC key",
            confused(member(&ec_jwk, "x"), "ec"),
            Refusal::Algorithm,
        ),
        (
            "HS256 with whole JWK",
            confused(ec_jwk.to_string(), "ec"),
            Refusal::Algorithm,
        ),
        (
            "HS256 with oct key",
            published_secret.token("oct", &claims),
            Refusal::Algorithm,
        ),
        (
            "RS256 with EC key",
            rsa.token("ec", &claims),
            Refusal::Algorithm,
        ),
        (
            "ES384 with P-256 key",
            ec.sign(&header("ES384", "ec"), &claims),
            Refusal::Algorithm,
        ),
        (
            "RS256 with PS256 key",
            rsa.token("ps256", &claims),
            Refusal::Algorithm,
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
            Refusal::UnknownKey(None),
        ),
        (
            "stranger's key",
            stranger.token("ec", &claims),
            Refusal::Signature,
        ),
        (
            "changed claims",
            format!("{head}.{forged_claims}.{signature}"),
            Refusal::Signature,
        ),
        (
            "critical extension",
            ec.sign(
                &json!({"alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": false}),
                &claims,
            ),
            Refusal::CriticalExtensions,
        ),
        ("two parts", head_and_claims.to_owned(), Refusal::Malformed),
        ("no JWT", "opaque".to_owned(), Refusal::Malformed),
    ] {
        let answer = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(answer), refused(refusal), "{name}");
    }
    assert_eq!(
        outcome(authorizer.handle(handshake_with(&good)).await),
        ada()
    );
}

#[tokio::test]
async fn a_token_is_believed_or_refused_for_its_claims() {
    let issuer = Issuer::start().await;
    let key = SigningKey::p256();
    issuer.publish(&[key.jwk("1")]);
    let authorizer = issuer.authorizer(&ManualClock::default()).await;
    let missing = |claim: &str| refused(Refusal::MissingClaim(claim.to_owned()));
    let until = |end: u64| Ok(("ada".to_owned(), end.to_string()));
    for (claim, value, expected) in [
        ("iss", json!(null), missing("iss")),
        (
            "iss",
            json!("https://other.example"),
            refused(Refusal::Issuer),
        ),
        (
            "iss",
            json!(format!("{}/", issuer.url)),
            refused(Refusal::Issuer),
        ),
        ("aud", json!(null), missing("aud")),
        ("aud", json!("other"), refused(Refusal::Audience)),
        ("aud", json!([]), refused(Refusal::Audience)),
        ("aud", json!(["other", "confab"]), ada()),
        ("exp", json!(null), missing("exp")),
        ("exp", json!("2100-01-01"), missing("exp")),
        ("exp", json!(NOW), refused(Refusal::Expired)),
        ("exp", json!(NOW + 1), until(NOW + 1)),
        ("exp", json!(NOW as f64 + 1.75), until(NOW + 1)),
        ("exp", json!(u64::MAX), refused(Refusal::Malformed)),
        ("nbf", json!(NOW), ada()),
        ("nbf", json!(NOW + 30), ada()),
        ("nbf", json!(NOW + 31), refused(Refusal::NotYetValid)),
        ("nbf", json!("tomorrow"), refused(Refusal::Malformed)),
        ("sub", json!(null), missing("sub")),
        ("sub", json!(42), missing("sub")),
        ("sub", json!(""), refused(Refusal::Subject)),
        ("sub", json!("u".repeat(129)), refused(Refusal::Subject)),
        ("sub", json!("ada\nconversation"), refused(Refusal::Subject)),
    ] {
        let token = key.token("1", &issuer.claims_with(claim, value.clone()));
        let answer = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(answer), expected, "{claim}: {value}");
    }
}

#[tokio::test]
async fn a_token_ends_while_the_function_lives() {
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
    let answer = authorizer.handle(handshake_with(&token)).await;
    assert_eq!(outcome(answer), refused(Refusal::Expired));
}

#[tokio::test]
async fn a_shared_secret_checks_hs256_and_nothing_else() {
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
            refused(Refusal::Signature),
        ),
        (
            "HS512",
            secret.sign(&json!({"alg": "HS512"}), &claims),
            refused(Refusal::Algorithm),
        ),
        (
            "RS256",
            SigningKey::rsa().token("1", &claims),
            refused(Refusal::Algorithm),
        ),
        (
            "none",
            SigningKey::Nothing.token("1", &claims),
            refused(Refusal::Malformed),
        ),
    ] {
        let answer = authorizer.handle(handshake_with(&token)).await;
        assert_eq!(outcome(answer), expected, "{name}");
    }
    assert_eq!(issuer.fetches(), 0);
}
