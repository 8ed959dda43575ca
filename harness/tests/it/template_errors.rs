//! Templates that the harness does not support: the error names the place and the reason.

use std::time::Duration;

use harness::stack::Asynchronous;

use crate::template::{Folder, load, variables};

#[test]
fn unsupported_content_is_an_error_with_its_place() {
    let cases = [
        (
            "Resources:\n  A: {Type: AWS::Kinesis::Stream}",
            "template.yaml:2:13: A: the harness does not support AWS::Kinesis::Stream",
        ),
        ("Resources: [", "template.yaml:1:12: this is not YAML"),
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
            "Policies: AmazonEC2FullAccess",
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
        + "      Timeout: 0\n      Layers: [x]\n  B: {Type: AWS::Kinesis::Stream}\n";
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

#[test]
fn the_limits_of_asynchronous_invocations_are_read() {
    let template = |more: &str| variables("", "A: b") + more;
    let function = |more: &str| {
        let stack = load(&template(more)).unwrap();
        stack.functions.values().next().unwrap().asynchronous
    };
    assert_eq!(function(""), Asynchronous::default());
    let limits = function(
        "      RecursiveLoop: Allow
      EventInvokeConfig: {MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60}
",
    );
    let expected = Asynchronous {
        retries: 1,
        age: Duration::from_secs(60),
    };
    assert_eq!(limits, expected);
    for (more, expected) in [
        ("RecursiveLoop: Maybe", "Allow"),
        (
            "EventInvokeConfig: {MaximumRetryAttempts: 3}",
            "from 0 to 2",
        ),
        (
            "EventInvokeConfig: {MaximumEventAgeInSeconds: 59}",
            "from 60 to 21600",
        ),
        (
            "EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS}}}",
            "does not support DestinationConfig",
        ),
    ] {
        let error = load(&template(&format!("      {more}\n"))).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

/// Returns the lines of the error, without the file's name.
fn lines(template: &str) -> Vec<String> {
    let error = load(template).unwrap_err();
    error
        .lines()
        .map(|line| line.replacen("template.yaml:", "", 1))
        .collect()
}

fn assert_lines(template: &str, expected: &[&str]) {
    let lines = lines(template);
    let all_fit = lines
        .iter()
        .zip(expected)
        .all(|(line, it)| line.starts_with(it));
    assert!(all_fit && lines.len() == expected.len(), "{lines:#?}");
}

#[test]
fn consequences_of_a_problem_are_not_reported() {
    assert_lines(
        "Transform: AWS::Serverless-2016-10-31
Parameters:
  Size: {Type: Number, Default: x}
Conditions:
  Never: !Nothing a
Resources:
  Files: {Type: AWS::EFS::FileSystem}
  Spare: {Type: AWS::DynamoDB::Table, Condition: Never}
  Greeter:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      MemorySize: !Ref Size
      Role: !GetAtt Files.Arn
      Environment:
        Variables:
          FILES: !Ref Files
          PATH_TO_FILES: !Sub '${Files.Arn}/a'
          SIZE: !Ref Size
          SPARE: !Ref Spare
          EITHER: !If [Never, a, b]
          WRONG: !Ref Nobody
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Call:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: LAMBDA, RequestTemplates: {a: b}}
  Door:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties: {ApiId: !Ref Api, AuthorizerType: JWT, JwtConfiguration: {}}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $connect, Target: !Sub 'integrations/${Call}'}
  Other:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: a, Target: integrations/nobody}
  Response:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Wrong, RouteResponseKey: $default}
  Wrong:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $wrong, Target: !Sub 'integrations/${Call}'}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: 'a b', AutoDeploy: true}
",
        &[
            "3:3: Size: the value is not a number",
            "5:10: a condition consists of",
            "7:17: Files: the harness does not support AWS::EFS::FileSystem",
            "24:18: the template has no parameter Nobody",
            "30:52: expected AWS or AWS_PROXY or HTTP or HTTP_PROXY or MOCK, found `LAMBDA`",
            "33:51: expected REQUEST: a WebSocket API has no JWT authorizers",
            "39:56: expected integrations/ID",
            "45:45: expected $connect, $disconnect, $default",
            "48:46: expected a stage name",
        ],
    );
}

#[test]
fn every_wrong_line_is_reported_at_once() {
    let template = variables("Hooks: {}\nRules: {}\nMacros: {}", "A: !Ref Nobody\nB: {a: b}")
        + "      Timeout: x
      Handler: {a: b}
      Policies:
        - DynamoDBReadPolicy: {}
        - S3ReadPolicy: {BucketName: b}
        - arn:aws:iam::aws:policy/ReadOnlyAccess
        - Statement:
            - {Effect: Allow, Action: a:b}
            - {Effect: Allow, Action: ab, Resource: '*'}
      Events:
        A: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
        B: {Type: SQS, Properties: {Queue: q}}
        C: {Type: HttpApi, Properties: {Path: a, Method: GET, TimeoutInMillis: 1, Auth: {Authorizer: Nobody}}}
        D: {Type: HttpApi, Properties: {Path: /a, Method: GET, Auth: {Authorizer: Nobody}}}
";
    assert_lines(
        &template.replacen("      Handler: bootstrap\n", "", 1),
        &[
            "2:1: the harness does not support the section Hooks",
            "4:1: the harness does not support the section Macros",
            "13:14: the template has no parameter Nobody",
            "14:14: expected a text, found a mapping",
            "15:16: expected a whole number",
            "16:16: expected a text, found a mapping",
            "18:11: DynamoDBReadPolicy: TableName is missing",
            "20:11: expected a policy with statements",
            "22:15: expected a statement with Resource",
            "23:15: the action ab is invalid",
            "25:19: Greeter.Events.A: the harness does not support events of type Schedule",
            "26:19: GreeterB: the harness has event source mappings for streams of DynamoDB and",
            "27:47: expected a path that begins with /",
            "27:80: expected a whole number",
            "28:83: the API has no authorizer Nobody",
        ],
    );
}

#[test]
fn services_that_the_harness_does_not_have_are_reported_and_the_rest_runs() {
    let template = variables(
        "",
        "QUEUE: !Ref Jobs\nFILES: !GetAtt Files.Arn\nTOPIC: !Ref News",
    ) + "      Events:
        Job: {Type: S3, Properties: {Bucket: !Ref Files, Events: 's3:ObjectCreated:*'}}
  Jobs: {Type: AWS::SQS::Queue}
  Files: {Type: AWS::S3::Bucket}
  News: {Type: AWS::SNS::Topic}
";
    let stack = load(&template).unwrap();
    let environment = &stack.functions["Greeter"].environment;
    assert_eq!(
        environment["QUEUE"],
        "http://127.0.0.1:9324/123456789012/Jobs"
    );
    assert_eq!(environment["FILES"], "arn:aws:s3:::local-files");
    assert_eq!(
        environment["TOPIC"],
        "arn:aws:sns:us-east-1:123456789012:News"
    );
    let notices: Vec<_> = stack
        .notices
        .iter()
        .map(|line| line.rsplit_once("template.yaml:").unwrap().1)
        .collect();
    assert_eq!(
        notices,
        ["15:21: Greeter.Events.Job: the harness has no events of S3, so this event never comes",]
    );
}
