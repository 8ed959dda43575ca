//! Templates with `AWS::ApiGatewayV2` resources, without SAM and together with it.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use harness::stack::{Throttle, Throttling, WebSocketTarget};

use crate::template::{Folder, load, variables};

/// The template of `tests/foreign`, with its authorizer.
struct Hall(String);

impl Hall {
    fn new() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/template.yaml");
        let text = fs::read_to_string(path).unwrap();
        // The folder of these tests has the bootstrap beside the template.
        Self(text.replace("CodeUri: hall", "CodeUri: ."))
    }

    fn load(&self) -> Result<harness::stack::Stack, String> {
        Folder::with(&self.0).load(&[("Guarded", "yes")])
    }

    /// Adds or replaces a line in the properties of a resource. Returns the number of the line and
    /// the error.
    fn with(&self, resource: &str, line: &str) -> (usize, String) {
        let name = line.split_once(':').unwrap().0;
        let mut lines: Vec<String> = self.0.lines().map(str::to_owned).collect();
        let start = lines
            .iter()
            .position(|line| *line == format!("  {resource}:"))
            .unwrap();
        let end = (start..lines.len())
            .find(|at| lines[*at].is_empty())
            .unwrap();
        let own = (start..end).find(|at| lines[*at].starts_with(&format!("      {name}:")));
        let at = own.unwrap_or(end);
        if own.is_some() {
            lines.remove(at);
        }
        lines.insert(at, format!("      {line}"));
        let error = Self(lines.join("\n")).load().err();
        (at + 1, error.unwrap_or_default())
    }
}

fn function_of(target: &WebSocketTarget) -> &str {
    match target {
        WebSocketTarget::Function(function) => function,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_api_is_linked_from_its_parts() {
    let stack = Hall::new().load().unwrap();
    let api = stack.websocket_api.unwrap();
    assert_eq!(api.stage, "live");
    assert_eq!(
        api.route_selection_expression,
        "${request.body.room}/${request.body.wish}"
    );
    let routes: Vec<_> = api
        .routes
        .iter()
        .map(|(key, route)| (key.as_str(), function_of(&route.target), route.replies))
        .collect();
    assert_eq!(
        routes,
        [
            ("$connect", "Host", false),
            ("$default", "Host", true),
            ("lobby/greet", "Host", true),
            ("lobby/whisper", "Host", false),
        ]
    );
    assert_eq!(api.routes["$connect"].timeout, Duration::from_secs(9));
    let authorizer = api.authorizer.unwrap();
    assert_eq!(authorizer.function, "Porter");
    assert_eq!(
        authorizer.identity_sources,
        ["route.request.querystring.name"]
    );
    assert_eq!(api.stage_variables["weather"], "fair");
    assert_eq!(stack.functions["Host"].name, "local-host");
    assert_eq!(stack.functions["Host"].handler, "host.receive");
}

#[test]
fn unsupported_properties_of_parts_are_errors() {
    let hall = Hall::new();
    for (resource, lines) in [
        (
            "Hall",
            "BasePath: ignore|Body: {}|BodyS3Location: {}|CorsConfiguration: {}|CredentialsArn: arn:x|ProtocolType: REST|\
             RouteKey: $default|Target: arn:x",
        ),
        (
            "ConnectRoute",
            "ApiKeyRequired: true|AuthorizationScopes: [a]|AuthorizationType: AWS_IAM|AuthorizationType: JWT|\
             AuthorizerId: nobody|ModelSelectionExpression: a|RequestModels: {}|RequestParameters: {}|RouteKey: $ping|\
             RouteResponseSelectionExpression: a|Target: integrations/none|Target: none",
        ),
        ("GreetRoute", "AuthorizationType: CUSTOM"),
        (
            "GreetResponse",
            "ModelSelectionExpression: a|ResponseModels: {}|ResponseParameters: {}|RouteResponseKey: a|RouteId: a",
        ),
        (
            "Reception",
            "ConnectionId: a|ConnectionType: VPC_LINK|ContentHandlingStrategy: CONVERT_TO_BINARY|IntegrationMethod: GET|\
             IntegrationSubtype: a|IntegrationType: LAMBDA|PassthroughBehavior: NEVER|\
             PayloadFormatVersion: '2.0'|RequestParameters: {}|RequestTemplates: {}|ResponseParameters: {}|\
             TemplateSelectionExpression: a|TimeoutInMillis: 29001|TimeoutInMillis: 49|TlsConfig: {}",
        ),
        (
            "GuestAuthorizer",
            "AuthorizerPayloadFormatVersion: '2.0'|AuthorizerResultTtlInSeconds: 300|AuthorizerType: JWT|\
             AuthorizerUri: arn:aws:lambda:us-east-1:123456789012:function:Porter|EnableSimpleResponses: true|\
             IdentityValidationExpression: a|JwtConfiguration: {}",
        ),
        (
            "Stage",
            "AccessPolicyId: a|ClientCertificateId: a|DefaultRouteSettings: {ThrottlingRateLimit: many}|\
             DefaultRouteSettings: {ThrottlingBurstLimit: -1}|DefaultRouteSettings: {Limit: 1}|DeploymentId: another|\
             RouteSettings: {nowhere: {ThrottlingRateLimit: 1}}|RouteSettings: {$default: {ThrottlingBurstLimit: 1.5}}|\
             StageName: $default",
        ),
        ("Opening", "StageName: other"),
        (
            "HostPermission",
            "EventSourceToken: a|FunctionUrlAuthType: NONE|FunctionName: nobody",
        ),
    ] {
        for line in lines.split('|') {
            let (number, error) = hall.with(resource, line);
            let place = format!("template.yaml:{number}:");
            assert!(
                error.contains(&place),
                "{resource} {line} at {number}\n{error}"
            );
        }
    }
}

#[test]
fn a_template_that_would_fail_after_deployment_is_an_error() {
    let template = Hall::new().0;
    for (from, to, place, expected) in [
        (
            "    Condition: IsGuarded\n    Properties:\n      Action: lambda:InvokeFunction",
            "    Condition: IsGuarded\n    Properties:\n      Action: lambda:GetFunction",
            "  GuestAuthorizer:",
            "no AWS::Lambda::Permission lets apigateway.amazonaws.com call Porter",
        ),
        (
            "${Hall}/*/*",
            "${Hall}/*/$connect",
            "  GreetRoute:",
            "call Host",
        ),
        (
            "GreetRoute, WhisperRoute",
            "WhisperRoute",
            "  Opening:",
            "it does not depend on GreetRoute",
        ),
        (
            "      DeploymentId: !Ref Opening\n",
            "",
            "      ApiId: !Ref Hall\n      StageName",
            "nothing is deployed",
        ),
        (
            "RouteKey: lobby/whisper",
            "RouteKey: lobby/greet",
            "  WhisperRoute:",
            "declared twice",
        ),
        (
            "Outputs:",
            "  Other:\n    Type: AWS::ApiGatewayV2::Stage\n    Properties: {ApiId: !Ref Hall, StageName: b, AutoDeploy: true}\nOutputs:",
            "  Other:",
            "one stage",
        ),
        (
            "Outputs:",
            "  Second:\n    Type: AWS::ApiGatewayV2::Api\n    Properties: {ProtocolType: WEBSOCKET}\nOutputs:",
            "  Second:",
            "one WebSocket API",
        ),
        (
            "Outputs:",
            "  Shape:\n    Type: AWS::ApiGatewayV2::Model\nOutputs:",
            "    Type: AWS::ApiGatewayV2::Model",
            "does not support AWS::ApiGatewayV2::Model",
        ),
        (
            "      Handler: host.receive\n",
            "",
            "      FunctionName: !Sub",
            "Handler is missing",
        ),
    ] {
        assert!(template.contains(from), "{from}");
        let changed = Hall(template.replacen(from, to, 1));
        let before = changed.0.split(place).next().unwrap();
        let line = before.lines().count() + usize::from(place.starts_with(' '));
        let error = changed.load().err().unwrap_or_default();
        let line = format!("template.yaml:{line}:");
        assert!(
            error.contains(&line) && error.contains(expected),
            "{line} {expected}\n{error}"
        );
    }
    // A role of the gateway takes the place of a permission.
    let role = template
        .replace(
            "TimeoutInMillis: 9000",
            "CredentialsArn: arn:aws:iam::123456789012:role/gateway",
        )
        .replace("${Hall}/*/*", "${Hall}/other/*");
    assert!(Hall(role).load().is_ok());
}

#[test]
fn routes_may_be_declared_beside_those_of_sam() {
    let template = format!(
        "{}
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        say: {{FunctionArn: !GetAtt Greeter.Arn}}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:aws:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{Greeter.Arn}}/invocations
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {{ApiId: !Ref Api, RouteKey: say/loudly, Target: !Sub 'integrations/${{Integration}}', RouteResponseSelectionExpression: $default}}
  Response:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {{ApiId: !Ref Api, RouteId: !Ref Route, RouteResponseKey: $default}}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {{Action: lambda:InvokeFunction, FunctionName: !Ref Greeter, Principal: apigateway.amazonaws.com}}
",
        variables("", "A: b")
    );
    let api = load(&template).unwrap().websocket_api.unwrap();
    assert_eq!(function_of(&api.routes["say/loudly"].target), "Greeter");
    assert!(api.routes["say/loudly"].replies && !api.routes["say"].replies);
    let twice = template.replace("say/loudly", "say");
    let error = load(&twice).unwrap_err();
    assert!(error.contains("declared twice"), "{error}");
    let foreign = template.replace("ApiId: !Ref Api, RouteKey", "ApiId: other, RouteKey");
    let error = load(&foreign).unwrap_err();
    assert!(
        error.contains("Route: ApiId names no WebSocket API"),
        "{error}"
    );
}

#[test]
fn throttles_are_read_from_the_settings_of_a_stage() {
    let settings = "
      DefaultRouteSettings: {ThrottlingRateLimit: 20.5, ThrottlingBurstLimit: !Ref Burst}
      RouteSettings:
        KEY: {ThrottlingBurstLimit: 3}
        OTHER: {DetailedMetricsEnabled: true}";
    let sections = "Parameters: {Burst: {Type: Number, Default: 10}}";
    let with_keys = |key: &str, other: &str| settings.replace("KEY", key).replace("OTHER", other);
    let expected = |key: &str, other: &str| Throttling {
        default: Some(Throttle {
            rate: 20.5,
            burst: 10,
        }),
        // What the settings of a route leave out is the account's, and not the stage's.
        routes: [(key, 3), (other, 5_000)]
            .map(|(key, burst)| {
                let rate = 10_000.0;
                (key.to_owned(), Throttle { rate, burst })
            })
            .into(),
    };
    let template = format!(
        "{}
      Events:
        Read: {{Type: HttpApi, Properties: {{ApiId: !Ref Http, Method: GET, Path: '/rooms/{{id}}'}}}}
        Rest: {{Type: HttpApi, Properties: {{ApiId: !Ref Http, Method: ANY, Path: /rooms}}}}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:{}
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        $connect: {{FunctionArn: !GetAtt Greeter.Arn}}
        say: {{FunctionArn: !GetAtt Greeter.Arn}}{}
",
        variables(sections, "A: b"),
        with_keys("GET /rooms/{id}", "ANY /rooms"),
        with_keys("$connect", "say"),
    );
    let stack = load(&template).unwrap();
    let http = stack.http_apis.into_iter().next().unwrap().throttling;
    assert_eq!(http, expected("GET /rooms/{id}", "ANY /rooms"));
    let api = stack.websocket_api.unwrap().throttling;
    assert_eq!(api, expected("$connect", "say"));

    // On AWS a deployment with settings of an unknown route fails.
    for key in ["GET /rooms/{id}", "$connect"] {
        let error = load(&template.replace(&format!("{key}: {{T"), "GET /: {T")).unwrap_err();
        assert!(
            error.contains("the API has no route GET /, only"),
            "{error}"
        );
    }

    let hall = Hall::new().0;
    let stage = "      StageName: !Ref StageName\n";
    assert!(hall.contains(stage));
    let settings = "      DefaultRouteSettings: {ThrottlingRateLimit: 7}\n";
    let hall = hall.replace(stage, &format!("{stage}{settings}"));
    let throttling = Hall(hall).load().unwrap().websocket_api.unwrap().throttling;
    let default = Some(Throttle {
        rate: 7.0,
        burst: 5_000,
    });
    assert_eq!(
        (throttling.default, throttling.routes),
        (default, BTreeMap::new())
    );
}
