//! Templates that the harness does not support: the error names the place and the reason.

use crate::template::{Folder, load, variables};

#[test]
fn unsupported_content_is_an_error_with_its_place() {
    let cases = [
        (
            "Resources:\n  A: {Type: AWS::SQS::Queue}",
            "template.yaml:2:13: A: the harness does not support AWS::SQS::Queue",
        ),
        ("Resources: [", "template.yaml:2:1: this is not YAML"),
        (
            "Resources:\n  A: 1\n  A: 2",
            "template.yaml:3:3: `A` is in this mapping twice",
        ),
        (
            "Resources:\n  A: &x {Type: b}\n  B: *x",
            "template.yaml:3:6: CloudFormation does not support YAML aliases",
        ),
        (
            "Resources:\n  A: {Type: AWS::Serverless::Function}",
            "template.yaml:2:13: CloudFormation knows AWS::Serverless::Function only with SAM: add `Transform",
        ),
        (
            "Globals: {}\nResources: {}",
            "template.yaml:1:1: CloudFormation knows the section Globals only with SAM",
        ),
        (
            "AWSTemplateFormatVersion: 2010-09-10\nResources: {}",
            "template.yaml:1:27: expected 2010-09-09, found `2010-09-10`",
        ),
        (
            "Resources:\n  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref A}}",
            "the template has no parameter A, and no resource A",
        ),
        (
            "Hooks: {}\nResources: {}",
            "template.yaml:1:1: the harness does not support the section Hooks",
        ),
        (
            "Parameters:\n  A: {Type: String}\nResources: {}",
            "template.yaml:2:3: A has no value for a local run",
        ),
        (
            "Parameters:\n  A: {Type: String, Default: x, AllowedValues: [y]}\nResources: {}",
            "A: the value is not one of y",
        ),
        (
            "Parameters:\n  A: {Type: Number, Default: 5, MaxValue: 4}\nResources: {}",
            "template.yaml:2:3: A: the value is too small or too large",
        ),
        (
            "Conditions:\n  A: !Condition B\n  B: !Not [!Condition A]\nResources: {}",
            "the condition A depends on itself",
        ),
        (
            "Metadata: {Harness: {Parameters: {B: x}}}\nResources: {}",
            "template.yaml:1:35: Metadata.Harness: the template has no parameter B",
        ),
    ];
    for (template, expected) in cases {
        let error = load(template).unwrap_err();
        assert!(error.contains(expected), "{template}\n{error}");
    }
    let values = [
        (
            "!ImportValue x",
            "the harness does not support the intrinsic function ImportValue",
        ),
        (
            "!Ref Nobody",
            "template.yaml:11:14: the template has no parameter Nobody",
        ),
        (
            "!GetAtt Greeter.Url",
            "the harness does not support the attribute Url of Greeter",
        ),
        (
            "!If [Nothing, a, b]",
            "the template has no condition Nothing",
        ),
        (
            "b\nAWS_REGION: x",
            "template.yaml:10:9: Greeter.Environment: Lambda reserves the variable AWS_REGION",
        ),
        ("{a: b}", "expected a text, found a mapping"),
    ];
    for (value, expected) in values {
        let error = load(&variables("", &format!("A: {value}"))).unwrap_err();
        assert!(error.contains(expected), "{value}\n{error}");
    }
    let properties = [
        (
            "Layers: [x]",
            "template.yaml:12:7: Greeter: the harness does not support Layers",
        ),
        (
            "Timeout: 901",
            "template.yaml:12:16: expected a whole number from 1 to 900, found `901`",
        ),
        (
            "Policies: AmazonDynamoDBFullAccess",
            "expected a policy with statements",
        ),
        (
            "Policies: {Statement: {Effect: Allow, Action: a:b, Resource: '*', Condition: {}}}",
            "template.yaml:12:73: the harness supports only Effect",
        ),
        (
            "Policies: {Statement: [{Effect: Allow, Action: a:b, Resource: table}]}",
            "template.yaml:12:30: the resource table is invalid",
        ),
        (
            "Events: {A: {Type: Schedule}}",
            "the harness does not support events of type Schedule",
        ),
        ("LoggingConfig: {LogFormat: XML}", "expected JSON or Text"),
    ];
    for (line, expected) in properties {
        let error = load(&(variables("", "A: b") + "      " + line)).unwrap_err();
        assert!(error.contains(expected), "{line}\n{error}");
    }
}

#[test]
fn all_problems_are_reported_at_once_and_in_order() {
    let template = variables("", "A: !Ref Nobody")
        + "      Timeout: 0\n      Layers: [x]\n  B: {Type: AWS::SQS::Queue}\n";
    let error = load(&template).unwrap_err();
    let lines: Vec<_> = error
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "template.yaml:11:14",
            "template.yaml:12:16",
            "template.yaml:13:7",
            "template.yaml:14:13"
        ]
    );
}

#[test]
fn an_override_of_an_unknown_parameter_is_an_error() {
    let error = Folder::with(&variables(
        "Parameters: {A: {Type: String, Default: a}}",
        "A: b",
    ))
    .load(&[("B", "c")])
    .unwrap_err();
    assert_eq!(
        error,
        "--parameter-overrides B: the template has no such parameter, only A"
    );
}

#[test]
fn an_error_never_contains_a_secret() {
    let template = variables("Parameters: {Secret: {Type: String, Default: ''}}", "A: b")
        + "      Timeout: !Ref Secret\n";
    let error = Folder::with(&template)
        .load(&[("Secret", "hunter2")])
        .unwrap_err();
    assert!(error.contains("expected a whole number"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn too_much_reserved_concurrency_is_an_error() {
    let template =
        |number| variables("", "A: b") + &format!("      ReservedConcurrentExecutions: {number}\n");
    assert!(load(&template(900)).is_ok());
    let error = load(&template(901)).unwrap_err();
    assert!(error.contains("reserve at most 900"), "{error}");
}
