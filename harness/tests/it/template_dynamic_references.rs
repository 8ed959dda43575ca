//! `{{resolve:…}}` in a template, and the file with the values.

use std::{collections::BTreeMap, fs, path::Path};

use harness::template::{self, DynamicValues, Local};
use serde_json::{Value, json};

use crate::template::{local, variables};

const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:chat/token-AbCdEf";

fn values(file: &Value) -> DynamicValues {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.json");
    fs::write(&path, file.to_string()).unwrap();
    DynamicValues::read(&path).unwrap()
}

/// Reads a template whose function has these variables.
fn read(lines: &str, file: &Value) -> Result<BTreeMap<String, String>, String> {
    let sections = format!("Parameters:\n  Secret: {{Type: String, Default: '{ARN}'}}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bootstrap"), "").unwrap();
    let local = Local {
        dynamic_values: values(file),
        ..local()
    };
    let text = variables(&sections, lines);
    let path = Path::new("t.yaml");
    let stack = template::read(&text, path, folder.path(), &local, &BTreeMap::new());
    let stack = stack.map_err(|error| error.to_string())?;
    Ok(stack.functions["Greeter"].environment.clone())
}

#[test]
fn references_are_replaced_by_the_values_of_the_file() {
    let file = json!({
        "secretsmanager": {
            ARN: "the secret",
            "database": {"user": "ada", "password": "p\"w", "port": 5432},
        },
        "ssm": {"/chat/url": "https://example.org"},
    });
    for (written, expected) in [
        (
            "'{{resolve:secretsmanager:database:SecretString:user}}'",
            "ada",
        ),
        (
            "'{{resolve:secretsmanager:database:SecretString:password:AWSCURRENT}}'",
            "p\"w",
        ),
        ("'{{resolve:secretsmanager:database::port}}'", "5432"),
        (
            "'{{resolve:secretsmanager:database}}'",
            r#"{"password":"p\"w","port":5432,"user":"ada"}"#,
        ),
        ("!Sub '{{resolve:secretsmanager:${Secret}}}'", "the secret"),
        (
            "!Sub '{{resolve:secretsmanager:${Secret}:SecretString}}'",
            "the secret",
        ),
        (
            "!Join ['', ['{{resolve:secretsmanager:', !Ref Secret, '}}']]",
            "the secret",
        ),
        ("'{{resolve:ssm:/chat/url}}/a'", "https://example.org/a"),
        ("'{{resolve:ssm:/chat/url:3}}'", "https://example.org"),
        (
            "'{{resolve:ssm-secure:/chat/url:3}}, {{resolve:ssm:/chat/url}}'",
            "https://example.org, https://example.org",
        ),
        // These are none.
        ("'{{resolve:ssm'", "{{resolve:ssm"),
        ("'{{ssm:/chat/url}}'", "{{ssm:/chat/url}}"),
    ] {
        let environment = read(&format!("A: {written}"), &file).unwrap();
        assert_eq!(environment["A"], expected, "{written}");
    }
}

#[test]
fn a_reference_without_a_value_is_an_error_with_its_place() {
    let file = json!({"secretsmanager": {"database": {"user": "ada"}}});
    for (written, expected) in [
        (
            "'{{resolve:secretsmanager:other:SecretString:user}}'",
            "{{resolve:secretsmanager:other}} has no value in a local run: add \"other\" under \"secretsmanager\" to the file of --secrets",
        ),
        (
            "!Sub '{{resolve:secretsmanager:${Secret}}}'",
            "add \"arn:aws:secretsmanager:us-east-1:123456789012:secret:chat/token-AbCdEf\" under",
        ),
        (
            "'{{resolve:secretsmanager:database::name}}'",
            "the secret database has no key name in the file of --secrets",
        ),
        (
            "'{{resolve:secretsmanager:database:SecretBinary:user}}'",
            "the secret database: expected SecretString, found `SecretBinary`",
        ),
        (
            "'{{resolve:secretsmanager:database:SecretString:user:AWSPREVIOUS}}'",
            "the harness has one version of the secret database",
        ),
        (
            "'{{resolve:ssm:/none}}'",
            "{{resolve:ssm:/none}} has no value",
        ),
        (
            "'{{resolve:vault:x}}'",
            "a dynamic reference is to secretsmanager, ssm or ssm-secure, not to \"vault\"",
        ),
    ] {
        let error = read(&format!("A: {written}"), &file).unwrap_err();
        assert!(error.starts_with("t.yaml:13:"), "{error}");
        assert!(error.contains(expected), "{written}: {error}");
    }
}

#[test]
fn no_value_of_the_file_is_shown() {
    let shown = format!("{:?}", values(&json!({"secretsmanager": {"id": "hidden"}})));
    assert_eq!(shown, r#"{"id"}"#);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.json");
    for wrong in [json!({"ssm": "hidden"}), json!({"hidden": {}})] {
        fs::write(&path, wrong.to_string()).unwrap();
        let error = DynamicValues::read(&path).unwrap_err().to_string();
        assert!(!error.contains("hidden"), "{error}");
    }
}
