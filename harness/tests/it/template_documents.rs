//! Templates with an OpenAPI document as `DefinitionBody`, and files that templates include.

use harness::stack::{HttpRoute, HttpTarget};

use crate::template::{Folder, load, variables};

const DOCUMENT: &str = "
openapi: '3.0.1'
info: {title: a}
paths:
  /jokes/{id}:
    get:
      responses: {default: {description: a}}
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: https://a.example/{id}
        payloadFormatVersion: '1.0'
        connectionType: INTERNET
        requestParameters: {overwrite:header.Accept: application/json}
  /queue:
    post:
      x-amazon-apigateway-integration:
        type: aws_proxy
        integrationSubtype: SQS-SendMessage
        credentials: {'Fn::GetAtt': [Greeter, Arn]}
        payloadFormatVersion: '1.0'
        requestParameters: {MessageBody: $request.body}
  /$default:
    x-amazon-apigateway-any-method:
      isDefaultRoute: true
      x-amazon-apigateway-integration:
        type: aws_proxy
        uri: {'Fn::GetAtt': [Greeter, Arn]}
        httpMethod: POST
        payloadFormatVersion: '2.0'
        timeoutInMillis: 5000
x-amazon-apigateway-cors: {allowOrigins: ['https://a.example'], maxAge: 5}
x-amazon-apigateway-importexport-version: '1.0'
";

fn with_document(document: &str) -> String {
    format!(
        "{}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {{Action: lambda:InvokeFunction, FunctionName: !Ref Greeter, Principal: apigateway.amazonaws.com}}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefinitionBody:
{document}
",
        variables("", "A: b")
    )
}

fn indented(document: &str) -> String {
    let lines = document
        .trim()
        .lines()
        .map(|line| format!("        {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_document_may_have_integrations_and_may_be_a_file_of_its_own() {
    let included =
        "        Fn::Transform: {Name: AWS::Include, Parameters: {Location: ./api.yaml}}";
    let folder = Folder::with(&with_document(included));
    folder.add("api.yaml", DOCUMENT);
    for stack in [load(&with_document(&indented(DOCUMENT))), folder.load(&[])] {
        let stack = stack.unwrap();
        assert_eq!(stack.notices.len(), 1, "{:?}", stack.notices);
        let api = stack.http_apis.into_iter().next().unwrap();
        let keys: Vec<_> = api.routes.iter().map(HttpRoute::key).collect();
        assert_eq!(keys, ["GET /jokes/{id}", "POST /queue", "$default"]);
        let targets: Vec<_> = api.routes.iter().map(|route| &route.target).collect();
        match targets[..] {
            [
                HttpTarget::Endpoint(endpoint),
                HttpTarget::Absent(_),
                function,
            ] => {
                assert_eq!(endpoint.method.as_deref(), Some("GET"));
                assert_eq!(endpoint.changes.len(), 1);
                assert_eq!(*function, "Greeter".into());
            }
            _ => panic!("{targets:?}"),
        }
        assert_eq!(api.routes[2].timeout.as_millis(), 5_000);
        assert_eq!(api.cors.unwrap().allow_origins, ["https://a.example"]);
    }
}

#[test]
fn a_wrong_document_gives_one_line_for_each_cause() {
    let document = indented(DOCUMENT);
    for (from, to, expected) in [
        (
            "uri: https://a.example/{id}",
            "uri: a.example",
            "the URL of an endpoint",
        ),
        (
            "type: http_proxy",
            "type: mock",
            "expected AWS_PROXY or HTTP_PROXY",
        ),
        (
            "connectionType: INTERNET",
            "cacheKey: a",
            "GET /jokes/{id}: the harness does not support CacheKey",
        ),
        (
            "info: {title: a}",
            "security: []",
            "the harness does not support security in a DefinitionBody",
        ),
    ] {
        assert!(document.contains(from), "{from}");
        let error = load(&with_document(&document.replacen(from, to, 1))).unwrap_err();
        let cause = error.lines().next().unwrap();
        assert!(cause.contains(expected), "{error}");
    }
    let unpermitted = with_document(&document).replace("Principal: apigateway", "Principal: s3");
    let error = load(&unpermitted).unwrap_err();
    assert!(error.contains("no AWS::Lambda::Permission lets"), "{error}");
}

#[test]
fn a_file_that_cannot_be_included_is_an_error_at_its_location() {
    for (location, content, expected) in [
        ("none.yaml", "", "cannot read none.yaml: "),
        (
            "s3://bucket/api.yaml",
            "",
            "the harness reads no templates from S3, so not s3://bucket/api.yaml",
        ),
        ("api.yaml", "a: [", "line 1 of api.yaml: this is not YAML"),
    ] {
        let document = format!(
            "        Fn::Transform: {{Name: AWS::Include, Parameters: {{Location: {location}}}}}"
        );
        let folder = Folder::with(&with_document(&document));
        folder.add("api.yaml", content);
        let error = folder.load(&[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
        let location = document.find(location).unwrap() + 1;
        let place = format!("template.yaml:20:{location}: ");
        assert!(error.starts_with(&place), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
