//! Which environments the function starts with.

use std::{collections::BTreeMap, process::Command};

use authorizer::{AudienceClaim, Configuration, ConfigurationError, KeyLocation, KeyUrl, Trust};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Reads a complete environment with some variables changed. `None` removes a variable.
fn read(changes: &[(&'static str, Option<&str>)]) -> Result<Configuration, ConfigurationError> {
    let mut variables = BTreeMap::from([
        ("ALLOWED_ORIGINS", "https://chat.example.org"),
        ("TOKEN_ISSUER", "https://issuer.example/"),
        ("TOKEN_AUDIENCE", "confab"),
    ]);
    for (name, value) in changes {
        match value {
            Some(value) => variables.insert(name, value),
            None => variables.remove(name),
        };
    }
    Configuration::read(|name| variables.get(name).map(|value| (*value).to_owned()))
}

#[test]
fn a_missing_or_invalid_variable_is_named() {
    for (variable, value, message) in [
        ("ALLOWED_ORIGINS", None, "ALLOWED_ORIGINS is not set"),
        (
            "ALLOWED_ORIGINS",
            Some("chat.example.org"),
            "ALLOWED_ORIGINS has \"chat.example.org\", which is not an origin such as https://chat.example.org",
        ),
        ("TOKEN_ISSUER", None, "TOKEN_ISSUER is not set"),
        ("TOKEN_ISSUER", Some(""), "TOKEN_ISSUER is not set"),
        ("TOKEN_ISSUER", Some("issuer"), "TOKEN_ISSUER is not a URL"),
        (
            "TOKEN_ISSUER",
            Some("http://issuer.example"),
            "TOKEN_ISSUER is not https",
        ),
        ("TOKEN_AUDIENCE", None, "TOKEN_AUDIENCE is not set"),
        (
            "TOKEN_JWKS_URL",
            Some("/jwks"),
            "TOKEN_JWKS_URL is not a URL",
        ),
        (
            "TOKEN_JWKS_URL",
            Some("http://issuer.example/jwks"),
            "TOKEN_JWKS_URL is not https",
        ),
        (
            "TOKEN_JWKS_URL",
            Some("http://127.0.0.1.example/jwks"),
            "TOKEN_JWKS_URL is not https",
        ),
        (
            "TOKEN_SHARED_SECRET",
            Some("0123456789abcdef0123456789abcde"),
            "TOKEN_SHARED_SECRET is shorter than 32 bytes",
        ),
        (
            "TOKEN_SECOND_SHARED_SECRET",
            Some("0123456789abcdef0123456789abcde"),
            "TOKEN_SECOND_SHARED_SECRET is shorter than 32 bytes",
        ),
        (
            "TOKEN_SECOND_SHARED_SECRET",
            Some(SECRET),
            "TOKEN_SECOND_SHARED_SECRET is set without TOKEN_SHARED_SECRET; set the first one, too",
        ),
        (
            "TOKEN_AUDIENCE_CLAIM",
            Some("azp"),
            "TOKEN_AUDIENCE_CLAIM is neither aud nor client_id",
        ),
    ] {
        let error = read(&[(variable, value)]).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let both = [
        ("TOKEN_SHARED_SECRET", Some(SECRET)),
        ("TOKEN_JWKS_URL", Some("https://issuer.example/jwks")),
    ];
    let error = read(&both).unwrap_err().to_string();
    assert!(
        error.starts_with("TOKEN_SHARED_SECRET and TOKEN_JWKS_URL"),
        "{error}"
    );
}

#[test]
fn an_empty_optional_variable_counts_as_not_set() {
    let configuration = read(&[
        ("TOKEN_JWKS_URL", Some("")),
        ("TOKEN_SHARED_SECRET", Some("")),
        ("TOKEN_SECOND_SHARED_SECRET", Some("")),
        ("TOKEN_AUDIENCE_CLAIM", Some("")),
        ("TOKEN_NAME_CLAIM", Some("")),
    ])
    .unwrap();
    assert_eq!(configuration.name_claim, "name");
    assert_eq!(configuration.audience_claim, AudienceClaim::Audience);
    let Trust::PublishedKeys(location) = configuration.trust else {
        panic!("published keys were expected");
    };
    let document = "https://issuer.example/.well-known/openid-configuration";
    assert_eq!(
        location,
        KeyLocation::Discovery {
            document: KeyUrl::parse(document).unwrap(),
            issuer: "https://issuer.example/".to_owned(),
        }
    );
}

#[test]
fn plain_http_is_allowed_on_loopback_addresses() {
    for url in [
        "http://127.0.0.1:3000/jwks",
        "http://[::1]:3000/jwks",
        "http://localhost/jwks",
    ] {
        assert!(read(&[("TOKEN_JWKS_URL", Some(url))]).is_ok(), "{url}");
    }
}

#[test]
fn a_shared_secret_needs_no_url_and_is_hidden_in_debug_output() {
    let configuration = read(&[
        ("TOKEN_SHARED_SECRET", Some(SECRET)),
        ("TOKEN_ISSUER", Some("django")),
    ])
    .unwrap();
    assert!(matches!(&configuration.trust, Trust::SharedSecrets(keys) if keys.len() == 1));
    assert!(!format!("{configuration:?}").contains(SECRET));
}

/// Starts the function with these variables only, and returns its first log line.
fn first_line(variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_authorizer"))
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let stdout = String::from_utf8(output.stdout).unwrap();
    stdout.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_first_log_line_says_why_the_function_cannot_start() {
    for (variables, problem) in [
        (vec![], "ALLOWED_ORIGINS is not set"),
        (
            vec![("ALLOWED_ORIGINS", "https://chat.example.org/")],
            "ALLOWED_ORIGINS has \"https://chat.example.org/\"",
        ),
        (
            vec![("ALLOWED_ORIGINS", "*"), ("TOKEN_ISSUER", "example.org")],
            "TOKEN_ISSUER is not a URL",
        ),
    ] {
        let line = first_line(&variables).replace("\\\"", "\"");
        assert!(line.contains(problem), "{line}");
        assert!(line.contains("the authorizer cannot start"), "{line}");
    }
}
