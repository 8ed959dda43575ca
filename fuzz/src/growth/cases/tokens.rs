use super::{super::Case, numbered, repeated};

pub fn cases() -> Vec<Case> {
    let header = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}\n";
    let claims = r#"{"iss":"https://id.example.org","aud":"confab","exp":1900000000,"sub":"ada""#;
    let with_claims = move |more: &str| format!("{header}{claims}{more}");
    vec![
        repeated("tokens", "dots", "", ".", ""),
        repeated("tokens", "one long part", "", "a", ""),
        repeated("tokens", "commas", "", ",", ""),
        numbered(
            "tokens",
            "several tokens",
            "a",
            |n| format!(",bearer.{n}"),
            "",
        ),
        repeated("tokens", "one token again", "a", ",bearer.a", ""),
        repeated("tokens", "an origin of slashes", "https://", "/", ""),
        repeated("tokens", "a long origin", "https://", "a", ""),
        numbered(
            "tokens",
            "claims",
            &with_claims(""),
            |n| format!(r#","c{n}":1"#),
            "}",
        ),
        numbered(
            "tokens",
            "audiences",
            &with_claims(r#","aud":["#),
            |n| format!(r#""a{n}","#),
            r#""confab"]}"#,
        ),
        numbered(
            "tokens",
            "other audiences",
            &format!(
                "{header}{{\"iss\":\"https://id.example.org\",\"sub\":\"a\",\"exp\":1900000000,\"aud\":["
            ),
            |n| format!(r#""a{n}","#),
            r#""x"]}"#,
        ),
        repeated(
            "tokens",
            "a long name",
            &with_claims(r#","name":""#),
            "x",
            r#""}"#,
        ),
        repeated(
            "tokens",
            "a name of spaces",
            &with_claims(r#","name":""#),
            " ",
            r#""}"#,
        ),
        repeated(
            "tokens",
            "a name of control characters",
            &with_claims(r#","name":""#),
            r"\u0007",
            r#""}"#,
        ),
        repeated(
            "tokens",
            "a long subject",
            &format!("{header}{{\"sub\":\""),
            "x",
            "\"}",
        ),
        repeated("tokens", "nested claims", &with_claims(r#","c":"#), "[", ""),
        numbered(
            "tokens",
            "critical extensions",
            r#"{"alg":"HS256","crit":["#,
            |n| format!(r#""e{n}","#),
            "\"e\"]}\n{}",
        ),
    ]
}
