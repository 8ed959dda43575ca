//! Templates with HTTP APIs: JWT authorizers, and APIs in parts.

use harness::stack::HttpApi;

use crate::template::{load, variables};

const JWT: &str = "IdentitySource: $request.header.Authorization, JwtConfiguration: {issuer: 'https://issuer.example/a', audience: [a, b]}";

/// Returns a template with a route and an API of SAM with this `Auth`.
fn with_auth(event: &str, auth: &str) -> String {
    format!(
        "{}      Events:
        Get: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Path: /a, Method: GET{event}}}}}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties: {{Auth: {{{auth}}}}}
",
        variables("", "A: b")
    )
}

fn api(template: &str) -> HttpApi {
    load(template)
        .unwrap()
        .http_apis
        .into_iter()
        .next()
        .unwrap()
}

#[test]
fn sam_declares_jwt_authorizers() {
    let auth = |scopes: &str| {
        format!("DefaultAuthorizer: Token, Authorizers: {{Token: {{{JWT}{scopes}}}}}")
    };
    for (event, scopes, expected) in [
        ("", "", &[][..]),
        ("", ", AuthorizationScopes: [read]", &["read"]),
        (
            ", Auth: {AuthorizationScopes: [write]}",
            ", AuthorizationScopes: [read]",
            &["write"],
        ),
    ] {
        let api = api(&with_auth(event, &auth(scopes)));
        let jwt = &api.jwt_authorizers["Token"];
        assert_eq!(jwt.identity_source, "$request.header.Authorization");
        assert_eq!(jwt.issuer, "https://issuer.example/a");
        assert_eq!(jwt.audience, ["a", "b"]);
        assert_eq!(api.routes[0].authorizer.as_deref(), Some("Token"));
        assert_eq!(api.routes[0].scopes, expected);
    }
    let open = api(&with_auth(
        ", Auth: {Authorizer: NONE}",
        &auth(", AuthorizationScopes: [read]"),
    ));
    assert_eq!(
        (
            open.routes[0].authorizer.as_ref(),
            open.routes[0].scopes.len()
        ),
        (None, 0)
    );
}

#[test]
fn a_wrong_jwt_authorizer_gives_one_line_for_each_cause() {
    for (authorizer, expected) in [
        (
            "JwtConfiguration: {issuer: 'https://a.example', audience: [a]}",
            &["Api.Auth.Authorizers.Token: IdentitySource is missing"][..],
        ),
        (
            "IdentitySource: token, JwtConfiguration: {issuer: 'http://a.example', audience: []}",
            &[
                "expected one text such as $request.header.Authorization",
                "expected the URL of an issuer",
                "expected at least one audience",
            ],
        ),
        (
            "IdentitySource: $request.header.a, JwtConfiguration: {}",
            &["issuer is missing", "audience is missing"],
        ),
    ] {
        let auth = format!("DefaultAuthorizer: Token, Authorizers: {{Token: {{{authorizer}}}}}");
        let error = load(&with_auth("", &auth)).unwrap_err();
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{error}");
        assert!(expected.iter().all(|text| error.contains(text)), "{error}");
    }
}

#[test]
fn a_websocket_api_has_no_jwt_authorizers() {
    let template = format!(
        "{}
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Auth: {{AuthType: JWT}}
      Routes: {{$connect: {{FunctionArn: !GetAtt Greeter.Arn}}}}
",
        variables("", "A: b")
    );
    let error = load(&template).unwrap_err();
    assert!(
        error.starts_with(
            "template.yaml:17:24: expected CUSTOM or NONE: a WebSocket API has no JWT authorizers"
        ),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
}

fn in_parts() -> String {
    format!(
        "{}
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {{Name: a, ProtocolType: HTTP, CorsConfiguration: {{AllowOrigins: ['*']}}}}
  Token:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Api
      Name: token
      AuthorizerType: JWT
      IdentitySource: [$request.header.Authorization]
      JwtConfiguration: {{Issuer: 'https://issuer.example', Audience: [a]}}
  Call:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {{ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Greeter.Arn, PayloadFormatVersion: '2.0'}}
  Get:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: GET /pets/{{id}}
      Target: !Sub integrations/${{Call}}
      AuthorizationType: JWT
      AuthorizerId: !Ref Token
      AuthorizationScopes: [read]
  Any:
    Type: AWS::ApiGatewayV2::Route
    Properties: {{ApiId: !Ref Api, RouteKey: $default, Target: !Sub 'integrations/${{Call}}'}}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {{ApiId: !Ref Api, StageName: $default, AutoDeploy: true}}
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref Greeter
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub arn:aws:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/*/*
",
        variables("", "URL: !GetAtt Api.ApiEndpoint")
    )
}

#[test]
fn an_http_api_is_linked_from_its_parts() {
    let stack = load(&in_parts()).unwrap();
    assert!(stack.functions["Greeter"].environment["URL"].starts_with("https://"));
    assert!(stack.websocket_api.is_none());
    let api = stack.http_apis.into_iter().next().unwrap();
    assert_eq!(api.stage, "$default");
    assert_eq!(api.cors.unwrap().allow_origins, ["*"]);
    assert_eq!(
        api.jwt_authorizers["Token"].issuer,
        "https://issuer.example"
    );
    let mut routes: Vec<_> = api
        .routes
        .iter()
        .map(|route| {
            (
                route.method.as_str(),
                route.path.as_str(),
                route.authorizer.as_deref(),
                route.scopes.len(),
            )
        })
        .collect();
    routes.sort_unstable();
    assert_eq!(
        routes,
        [
            ("ANY", "$default", None, 0),
            ("GET", "/pets/{id}", Some("Token"), 1)
        ]
    );
}

#[test]
fn an_http_api_in_parts_is_checked_as_a_websocket_api_is() {
    for (from, to, expected) in [
        (
            "${Api}/*/*",
            "${Api}/*/POST/*",
            "no AWS::Lambda::Permission",
        ),
        (
            ", PayloadFormatVersion: '2.0'",
            "",
            "Call: PayloadFormatVersion is missing",
        ),
        (
            "RouteKey: GET /pets/{id}",
            "RouteKey: pets",
            "expected $default, or a method and a path",
        ),
        (
            ", AutoDeploy: true",
            "",
            "nothing is deployed to this stage",
        ),
        (
            "RouteKey: $default",
            "RouteKey: 'GET /pets/{id}'",
            "its route key is declared twice",
        ),
    ] {
        let template = in_parts();
        assert!(template.contains(from), "{from}");
        let error = load(&template.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_target_makes_a_route_and_a_stage() {
    let template = format!(
        "{}
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {{Name: a, ProtocolType: HTTP, Target: !GetAtt Greeter.Arn}}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {{Action: lambda:InvokeFunction, FunctionName: !Ref Greeter, Principal: apigateway.amazonaws.com}}
",
        variables("", "A: b")
    );
    let api = api(&template);
    assert_eq!((api.stage.as_str(), api.routes.len()), ("$default", 1));
    assert_eq!(api.routes[0].path, "$default");
}

#[test]
fn a_definition_body_may_repeat_the_routes_of_events() {
    let template = |operation: &str| {
        with_auth("", "").replace(
            "{Auth: {}}",
            &format!("{{DefinitionBody: {{openapi: '3.0', info: {{title: a}}, paths: {{/a: {operation}}}}}}}"),
        )
    };
    assert_eq!(api(&template("{get: {responses: {}}}")).routes.len(), 1);
    let default = template("{x-amazon-apigateway-any-method: {isDefaultRoute: true}}");
    let default = default
        .replace("Method: GET", "Method: ANY")
        .replace("/a", "/$default");
    assert_eq!(api(&default).routes[0].path, "$default");
    for (operation, expected) in [
        (
            "{post: {responses: {}}}",
            "no event of a function is for POST /a",
        ),
        (
            "{get: {x-amazon-apigateway-integration: {type: http_proxy}}}",
            "an event of a function is for GET /a, too, so SAM refuses this integration",
        ),
    ] {
        let error = load(&template(operation)).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
