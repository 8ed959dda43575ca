//! Templates whose routes call something else than a function.

use harness::stack::{
    Change, ChangedPart, Endpoint, How, HttpRoute, HttpTarget, MockPiece, Piece, Stack,
    WebSocketTarget,
};

use crate::template::{load, variables};

/// Returns a template with an API of this type, a route with this key, and an integration with
/// these properties. `more` are further resources.
fn with_integration(protocol: &str, key: &str, integration: &str, more: &str) -> String {
    let selection = match protocol {
        "WEBSOCKET" => ", RouteSelectionExpression: $request.body.action",
        _ => "",
    };
    format!(
        "{}
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {{Name: a, ProtocolType: {protocol}{selection}}}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {{ApiId: !Ref Api, StageName: live, AutoDeploy: true}}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {{Action: lambda:InvokeFunction, FunctionName: !Ref Greeter, Principal: apigateway.amazonaws.com}}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {{ApiId: !Ref Api, RouteKey: '{key}', Target: !Sub 'integrations/${{Integration}}'}}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {{ApiId: !Ref Api, {integration}}}
{more}",
        variables("", "A: b")
    )
}

fn websocket(stack: Stack) -> WebSocketTarget {
    let api = stack.websocket_api.unwrap();
    api.routes.into_values().next().unwrap().target
}

fn http(stack: Stack) -> HttpTarget {
    first_route(stack).target
}

fn first_route(stack: Stack) -> HttpRoute {
    let api = stack.http_apis.into_iter().next().unwrap();
    api.routes.into_iter().next().unwrap()
}

#[test]
fn a_function_may_be_named_in_every_documented_form() {
    for uri in [
        "!GetAtt Greeter.Arn",
        "!Sub '${Greeter.Arn}:$LATEST'",
        "!Ref Greeter.Alias",
        "!Sub '${Greeter.Arn}:live'",
        "!Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${Greeter}'",
        "!Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Greeter.Arn}/invocations'",
        "!Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Greeter.Arn}:live/invocations'",
    ] {
        let published = |template: String| {
            template.replace(
                "Handler: bootstrap",
                "Handler: bootstrap\n      AutoPublishAlias: live",
            )
        };
        let integration = format!("IntegrationType: AWS_PROXY, IntegrationUri: {uri}");
        let template = with_integration("WEBSOCKET", "say", &integration, "");
        let target = websocket(load(&published(template)).unwrap());
        assert_eq!(target, "Greeter".into(), "{uri}");
        let integration = format!("{integration}, PayloadFormatVersion: '2.0'");
        let template = with_integration("HTTP", "GET /a", &integration, "");
        let target = http(load(&published(template)).unwrap());
        assert_eq!(target, "Greeter".into(), "{uri}");
    }
    for uri in [
        "!Sub '${Greeter.Arn}:other'",
        "!Ref Greeter",
        "https://a.example",
    ] {
        let integration = format!("IntegrationType: AWS_PROXY, IntegrationUri: {uri}");
        let error = load(&with_integration("WEBSOCKET", "say", &integration, "")).unwrap_err();
        assert!(error.contains("the ARN of a function"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_route_may_lead_to_an_endpoint() {
    let integration = "IntegrationType: HTTP_PROXY, IntegrationMethod: ANY, \
        IntegrationUri: 'https://a.example/v1/{proxy}', \
        RequestParameters: {'append:header.X-From': '${context.apiId}/$request', 'overwrite:path': $request.path.proxy, 'remove:querystring.a': ''}";
    let template = with_integration("HTTP", "ANY /{proxy+}", integration, "");
    let HttpTarget::Endpoint(endpoint) = http(load(&template).unwrap()) else {
        panic!("another target");
    };
    let change = |how, part, value| Change { part, how, value };
    let header = ChangedPart::Header("x-from".into());
    let from = vec![
        Piece::Context("apiId".into()),
        Piece::Text("/$request".into()),
    ];
    assert_eq!(
        endpoint,
        Endpoint {
            method: None,
            uri: "https://a.example/v1/{proxy}".into(),
            changes: vec![
                change(How::Append, header, from),
                change(
                    How::Overwrite,
                    ChangedPart::Path,
                    vec![Piece::PathParameter("proxy".into())]
                ),
                change(How::Remove, ChangedPart::Query("a".into()), vec![]),
            ],
        }
    );
    for (from, to, expected) in [
        (
            "https://a.example",
            "ftp://a.example",
            "the URL of an endpoint",
        ),
        (
            "https://a.example",
            "https://${stageVariables.host}",
            "the URL of an endpoint",
        ),
        (
            "IntegrationMethod: ANY, ",
            "",
            "IntegrationMethod is missing",
        ),
        (
            "IntegrationMethod: ANY",
            "IntegrationMethod: TRACE",
            "expected ANY or DELETE",
        ),
        (
            "X-From",
            "Authorization",
            "does not let a mapping change the header authorization",
        ),
        (
            "overwrite:path",
            "append:path",
            "RequestParameters: expected append, overwrite or remove",
        ),
        (
            ", IntegrationUri",
            ", ConnectionType: NONE, IntegrationUri",
            "expected INTERNET",
        ),
    ] {
        assert!(template.contains(from), "{from}");
        let error = load(&template.replace(from, to)).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn an_api_with_an_endpoint_as_its_target_passes_everything_on() {
    let template = format!(
        "{}
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {{Name: a, ProtocolType: HTTP, Target: 'http://a.example'}}
",
        variables("", "A: b")
    );
    let route = first_route(load(&template).unwrap());
    assert_eq!(route.path, "$default");
    assert!(matches!(route.target, HttpTarget::Endpoint(_)));
}

#[test]
fn integrations_with_other_services_are_absent_and_the_rest_starts() {
    let lambda = "!Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Greeter.Arn}/invocations'";
    let http_uri = "IntegrationMethod: GET, IntegrationUri: 'https://a.example'";
    for (protocol, integration, expected) in [
        (
            "HTTP",
            "IntegrationType: AWS_PROXY, IntegrationSubtype: SQS-SendMessage, PayloadFormatVersion: '1.0', \
             RequestParameters: {MessageBody: $request.body}, CredentialsArn: 'arn:aws:iam::123456789012:role/a'"
                .to_owned(),
            "API Gateway itself calls SQS-SendMessage",
        ),
        (
            "HTTP",
            format!("IntegrationType: HTTP_PROXY, ConnectionType: VPC_LINK, ConnectionId: a, {http_uri}"),
            "API Gateway calls a private endpoint through a VPC link",
        ),
        (
            "HTTP",
            format!("IntegrationType: HTTP_PROXY, {http_uri}, ResponseParameters: {{'200': {{}}}}"),
            "API Gateway changes the responses of the endpoint",
        ),
        (
            "HTTP",
            format!("IntegrationType: HTTP_PROXY, {http_uri}, RequestParameters: {{'overwrite:header.a': $request.body.a}}"),
            "API Gateway maps $request.body.a into the request",
        ),
        (
            "WEBSOCKET",
            "IntegrationType: AWS, IntegrationUri: !Sub 'arn:aws:apigateway:${AWS::Region}:dynamodb:action/PutItem', \
             RequestTemplates: {'$default': '#set($a = 1)'}, TemplateSelectionExpression: \\$default"
                .to_owned(),
            "API Gateway itself calls dynamodb (PutItem)",
        ),
        (
            "WEBSOCKET",
            "IntegrationType: AWS, IntegrationUri: !Sub 'arn:aws:apigateway:${AWS::Region}:sqs:path/123456789012/queue'"
                .to_owned(),
            "API Gateway itself calls sqs",
        ),
        (
            "WEBSOCKET",
            format!("IntegrationType: AWS, IntegrationUri: {lambda}, RequestTemplates: {{a: '{{}}'}}"),
            "API Gateway changes the message by a template before it calls the function",
        ),
        (
            "WEBSOCKET",
            format!("IntegrationType: HTTP_PROXY, {http_uri}"),
            "API Gateway passes the message on to another server",
        ),
    ] {
        let key = match protocol {
            "HTTP" => "POST /a",
            _ => "say",
        };
        let template = with_integration(protocol, key, &integration, "");
        let stack = load(&template).unwrap();
        assert_eq!(stack.notices.len(), 1, "{:?}", stack.notices);
        let notice = format!("the route {key} does not run locally and only answers with this reason: {expected}");
        assert!(stack.notices[0].ends_with(&notice), "{:?}", stack.notices);
        let reason = match protocol {
            "HTTP" => match http(stack) {
                HttpTarget::Absent(reason) => reason,
                other => panic!("{other:?}"),
            },
            _ => match websocket(stack) {
                WebSocketTarget::Absent(reason) => reason,
                other => panic!("{other:?}"),
            },
        };
        assert_eq!(reason, format!("The harness cannot run the route {key}: {expected}."));
    }
}

const MOCK: &str = "IntegrationType: MOCK, RequestTemplates: {'$default': '{\"statusCode\": 200}'}, TemplateSelectionExpression: \\$default";

fn response(key: &str, templates: &str) -> String {
    format!(
        "
  Response{}:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties: {{ApiId: !Ref Api, IntegrationId: !Ref Integration, IntegrationResponseKey: '{key}'{templates}}}
",
        key.chars().filter(char::is_ascii_alphanumeric).collect::<String>()
    )
}

#[test]
fn a_mock_has_a_status_and_a_text() {
    let text = |text: &str| MockPiece::Text(text.to_owned());
    let pong = ", ResponseTemplates: {'$default': 'pong $context.connectionId'}";
    let named =
        ", ResponseTemplates: {'200': yes, '$default': other}, TemplateSelectionExpression: '200'";
    for (integration, responses, status, reply) in [
        (
            MOCK.to_owned(),
            response("$default", pong),
            200,
            vec![text("pong "), MockPiece::Context("connectionId".into())],
        ),
        (MOCK.to_owned(), response("/200/", ""), 200, vec![]),
        (
            MOCK.to_owned(),
            response("$default", pong) + &response(r"/2\d{2}/", named),
            200,
            vec![text("yes")],
        ),
        (
            MOCK.replace("200", "403"),
            response("/200/", pong) + &response("$default", ""),
            403,
            vec![],
        ),
        (
            "IntegrationType: MOCK, RequestTemplates: {'200': '{\"statusCode\": \"200\"}'}, TemplateSelectionExpression: '200', PassthroughBehavior: NEVER"
                .to_owned(),
            response("$default", ""),
            200,
            vec![],
        ),
    ] {
        let stack = load(&with_integration("WEBSOCKET", "ping", &integration, &responses)).unwrap();
        assert!(stack.notices.is_empty(), "{:?}", stack.notices);
        match websocket(stack) {
            WebSocketTarget::Mock(mock) => {
                assert_eq!((mock.status, mock.reply), (status, Some(reply)), "{responses}")
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_mock_that_the_harness_cannot_answer_is_absent() {
    let vtl = |property: &str| format!("the template language VTL in {property}");
    for (integration, responses, expected) in [
        (
            "IntegrationType: MOCK".to_owned(),
            String::new(),
            vtl("RequestTemplates"),
        ),
        (
            MOCK.replace("200}", "$input.path(a)}"),
            response("$default", ""),
            vtl("RequestTemplates"),
        ),
        (
            MOCK.replace(r"\$default", "'${request.body.a}'"),
            response("$default", ""),
            vtl("RequestTemplates"),
        ),
        (
            MOCK.to_owned(),
            response(
                "$default",
                ", ResponseTemplates: {'$default': \"#set($a = 1)\"}",
            ),
            vtl("ResponseTemplates"),
        ),
        (
            MOCK.to_owned(),
            response("/2..|3../", ""),
            "a regular expression as IntegrationResponseKey".to_owned(),
        ),
        (
            MOCK.to_owned(),
            String::new(),
            "has no IntegrationResponse for its status 200".to_owned(),
        ),
    ] {
        let stack = load(&with_integration(
            "WEBSOCKET",
            "ping",
            &integration,
            &responses,
        ))
        .unwrap();
        assert!(stack.notices[0].contains(&expected), "{:?}", stack.notices);
        assert!(matches!(websocket(stack), WebSocketTarget::Absent(_)));
    }
}

#[test]
fn a_template_may_have_several_http_apis() {
    let template = format!(
        "{}      Events:
        First: {{Type: HttpApi, Properties: {{ApiId: !Ref First, Path: /a, Method: GET}}}}
        Second: {{Type: HttpApi, Properties: {{ApiId: !Ref Second, Path: /b, Method: GET}}}}
        Implicit: {{Type: HttpApi}}
  First: {{Type: AWS::Serverless::HttpApi}}
  Second: {{Type: AWS::Serverless::HttpApi, Properties: {{StageName: v2}}}}
",
        variables("", "A: !Ref Second")
    );
    let stack = load(&template).unwrap();
    let apis: Vec<_> = stack
        .http_apis
        .iter()
        .map(|api| {
            (
                api.logical_id.as_str(),
                api.stage.as_str(),
                api.routes[0].key(),
            )
        })
        .collect();
    assert_eq!(
        apis,
        [
            ("First", "$default", "GET /a".to_owned()),
            ("Second", "v2", "GET /b".to_owned()),
            ("ServerlessHttpApi", "$default", "$default".to_owned()),
        ]
    );
    let error = load(&template.replace("ApiId: !Ref First", "ApiId: other")).unwrap_err();
    assert!(
        error.contains("Greeter: ApiId names no HTTP API"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn events_of_eventbridge_never_come_and_the_rest_starts() {
    for kind in ["CloudWatchEvent", "EventBridgeRule"] {
        let template = format!(
            "{}      Events: {{A: {{Type: {kind}, Properties: {{Pattern: {{source: [a]}}}}}}}}\n",
            variables("", "A: b")
        );
        let stack = load(&template).unwrap();
        let expected = "the harness has no EventBridge, so this event never comes";
        assert!(stack.notices[0].ends_with(expected), "{:?}", stack.notices);
    }
}
