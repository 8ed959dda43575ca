//! Templates and the stacks that they describe. Errors are in `template_errors`.

use std::{fs, time::Duration};

use harness::{
    stack::{Code, Stack},
    template::{self, DynamicValues, Local},
};
use tempfile::TempDir;

pub fn local() -> Local {
    Local {
        origins: "http://localhost:3000,http://127.0.0.1:3000".to_owned(),
        issuer: "http://127.0.0.1:3000/.local".to_owned(),
        cognito_issuer: "http://127.0.0.1:3000/.local/cognito".to_owned(),
        audience: "local-development".to_owned(),
        http_endpoint: "http://127.0.0.1:3000".to_owned(),
        sqs_endpoint: "http://127.0.0.1:9324".to_owned(),
        dynamic_values: DynamicValues::default(),
    }
}

/// A temporary folder with a `template.yaml` and a `bootstrap`.
pub struct Folder(TempDir);

impl Folder {
    pub fn with(template: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("template.yaml"), template).unwrap();
        fs::write(folder.path().join("bootstrap"), "").unwrap();
        Self(folder)
    }

    pub fn add(&self, name: &str, content: &str) {
        fs::write(self.0.path().join(name), content).unwrap();
    }

    pub fn load(&self, overrides: &[(&str, &str)]) -> Result<Stack, String> {
        let overrides = overrides
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let folder = self.0.path();
        template::load(&folder.join("template.yaml"), &local(), &overrides).map_err(|error| {
            let folder = format!("{}/", folder.display());
            error.to_string().replace(&folder, "")
        })
    }
}

pub fn load(template: &str) -> Result<Stack, String> {
    Folder::with(template).load(&[])
}

/// Returns a template with one function that has these lines as its variables.
pub fn variables(sections: &str, lines: &str) -> String {
    let sections = match sections {
        "" => String::new(),
        sections => format!("\n{}", sections.trim_start()),
    };
    format!(
        "Transform: AWS::Serverless-2016-10-31{sections}
Resources:
  Greeter:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Environment:
        Variables:
{}
",
        lines
            .lines()
            .map(|line| format!("          {line}"))
            .collect::<Vec<_>>()
            .join("\n")
    )
}

#[test]
fn intrinsics_evaluate_as_on_aws() {
    let sections = "
Parameters:
  Name: {Type: String, Default: ada}
  Names: {Type: CommaDelimitedList, Default: 'ada, bob'}
Conditions:
  IsAda: !Equals [!Ref Name, ada]
  IsBob: !Not [!Condition IsAda]
  Both: !And [!Condition IsAda, {Condition: IsBob}]
  Either: {'Fn::Or': [!Condition IsAda, !Condition IsBob]}";
    let cases = [
        ("!Ref Name", Some("ada")),
        ("{Ref: Name}", Some("ada")),
        ("!Ref AWS::Region", Some("us-east-1")),
        ("!Ref Greeter", Some("Greeter")),
        (
            "!GetAtt Greeter.Arn",
            Some("arn:aws:lambda:us-east-1:123456789012:function:Greeter"),
        ),
        (
            "!GetAtt [Greeter, Arn]",
            Some("arn:aws:lambda:us-east-1:123456789012:function:Greeter"),
        ),
        (
            "!Sub 'a ${Name} ${!Name} ${Greeter.Arn}'",
            Some("a ada ${Name} arn:aws:lambda:us-east-1:123456789012:function:Greeter"),
        ),
        ("!Sub ['${Own}-${Name}', {Own: !Ref Name}]", Some("ada-ada")),
        ("!Join ['+', !Ref Names]", Some("ada+bob")),
        ("!Join ['', [x, !Ref Name]]", Some("xada")),
        ("!Select [1, !Ref Names]", Some("bob")),
        ("!Select [0, !Split ['-', 'one-two']]", Some("one")),
        ("!If [IsAda, yes, no]", Some("yes")),
        ("!If [IsBob, yes, no]", Some("no")),
        ("!If [Both, yes, no]", Some("no")),
        ("!If [Either, yes, no]", Some("yes")),
        ("!If [Either, !Ref AWS::NoValue, no]", None),
        ("12", Some("12")),
    ];
    let lines: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(n, (text, _))| format!("V{n}: {text}"))
        .collect();
    let stack = load(&variables(sections, &lines.join("\n"))).unwrap();
    let environment = &stack.functions["Greeter"].environment;
    for (n, (text, expected)) in cases.iter().enumerate() {
        assert_eq!(
            environment.get(&format!("V{n}")).map(String::as_str),
            *expected,
            "{text}"
        );
    }
}

#[test]
fn overrides_win_over_local_values_and_local_values_over_defaults() {
    let template = variables(
        "
Metadata: {Harness: {Parameters: {B: '${Issuer}', C: local}}}
Parameters:
  A: {Type: String, Default: default}
  B: {Type: String, Default: default}
  C: {Type: String, Default: default}",
        "ALL: !Sub ${A} ${B} ${C}",
    );
    let stack = Folder::with(&template).load(&[("C", "given")]).unwrap();
    assert_eq!(
        stack.functions["Greeter"].environment["ALL"],
        "default http://127.0.0.1:3000/.local given"
    );
}

#[test]
fn globals_are_merged_into_functions_as_sam_does() {
    let sections = "
Globals:
  Function:
    Timeout: 7
    Environment: {Variables: {SHARED: global, OWN: global}}";
    let stack = load(&variables(sections, "OWN: own")).unwrap();
    let function = &stack.functions["Greeter"];
    assert_eq!(function.timeout, Duration::from_secs(7));
    assert_eq!(function.environment["SHARED"], "global");
    assert_eq!(function.environment["OWN"], "own");
}

#[test]
fn a_route_replies_only_with_both_an_expression_and_a_response() {
    let template = |expression: &str, response: &str| {
        format!(
            "{}
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        sayHello: {{FunctionArn: !GetAtt Greeter.Arn{expression}}}
{response}",
            variables("", "A: b")
        )
    };
    let expression = ", RouteResponseSelectionExpression: $default";
    let response = "
  Reply:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref ApiSayhelloRoute, RouteResponseKey: $default}";
    for (expression, response, replies) in [
        ("", "", false),
        (expression, "", false),
        ("", response, false),
        (expression, response, true),
    ] {
        let stack = load(&template(expression, response)).unwrap();
        // SAM makes no response, so its author may wait for replies in vain.
        let notice =
            "needs an AWS::ApiGatewayV2::RouteResponse with `RouteId: !Ref ApiSayhelloRoute`";
        let is_told = stack.notices.iter().any(|it| it.contains(notice));
        let waits = !expression.is_empty() && response.is_empty();
        assert_eq!(is_told, waits, "{:?}", stack.notices);
        let api = stack.websocket_api.unwrap();
        assert_eq!(api.stage, "default");
        assert_eq!(
            api.routes["sayHello"].replies, replies,
            "{expression:?} {response:?}"
        );
    }
}

#[test]
fn a_resource_whose_condition_is_false_is_ignored() {
    let template = format!(
        "{}
  Queue: {{Type: AWS::Kinesis::Stream, Condition: Never}}",
        variables("Conditions: {Never: !Equals [a, b]}", "A: b")
    );
    load(&template).unwrap();
}

#[test]
fn transforms_may_be_a_list() {
    let template = variables("", "A: b").replace(
        "Transform: AWS::Serverless-2016-10-31",
        "Transform: [AWS::Serverless-2016-10-31]",
    );
    load(&template).unwrap();
}

/// Loads a template with a function that cargo builds from a package with these binaries. The
/// function's `Metadata` does not name a binary.
fn without_binary(binaries: &[&str]) -> Result<Stack, String> {
    let template = variables("", "A: b").replace(
        "    Properties:",
        "    Metadata: {BuildMethod: rust-cargolambda}\n    Properties:",
    );
    let folder = Folder::with(&template);
    let root = folder.0.path();
    fs::create_dir_all(root.join("src/bin")).unwrap();
    let manifest = "package = { name = \"greeter\", edition = \"2024\" }\nworkspace = {}\n";
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    for binary in binaries {
        fs::write(root.join(format!("src/bin/{binary}.rs")), "fn main() {}").unwrap();
    }
    folder.load(&[])
}

#[test]
fn the_only_binary_of_a_package_needs_no_name() {
    let stack = without_binary(&["hello"]).unwrap();
    let code = &stack.functions["Greeter"].code;
    assert!(
        matches!(code, Code::Cargo { binary, .. } if binary == "hello"),
        "{code:?}"
    );
    let error = without_binary(&["hello", "world"]).unwrap_err();
    assert!(
        error.contains("template.yaml:5:29: BuildProperties.Binary is missing, and the package has the binaries hello, world"),
        "{error}"
    );
}

#[test]
fn booleans_may_have_any_spelling_of_yaml() {
    for spelling in ["true", "True", "TRUE"] {
        let template = format!(
            "{}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        Authorizers:
          Token:
            FunctionArn: !GetAtt Greeter.Arn
            AuthorizerPayloadFormatVersion: 2.0
            EnableSimpleResponses: {spelling}
            EnableFunctionDefaultPermissions: {spelling}
",
            variables("", "A: b")
        );
        load(&template).unwrap();
    }
}

#[test]
fn events_without_an_api_id_belong_to_the_implicit_http_api() {
    for (event, route) in [
        ("{Type: HttpApi}", ("ANY", "$default")),
        (
            "{Type: HttpApi, Properties: {Path: '/{proxy+}', Method: ANY}}",
            ("ANY", "/{proxy+}"),
        ),
    ] {
        let template = variables(
            "Globals: {HttpApi: {StageName: live}}",
            "API: !Ref ServerlessHttpApi",
        ) + &format!("      Events: {{Any: {event}}}\n");
        let stack = load(&template).unwrap();
        let api = stack.http_apis.into_iter().next().unwrap();
        assert_eq!(api.stage, "live");
        assert_eq!(stack.functions["Greeter"].environment["API"], api.api_id);
        let [only] = api.routes.as_slice() else {
            panic!("{event}: {:?}", api.routes)
        };
        assert_eq!((only.method.as_str(), only.path.as_str()), route);
    }
}

#[test]
fn a_physical_name_may_refer_to_resources_anywhere_in_the_template() {
    let template = variables("", "LOGS: !Ref Logs\nTABLE: !Ref Table")
        + "  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub notes-of-${Logs}
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '/aws/lambda/${Greeter}'}}
";
    let stack = load(&template).unwrap();
    let environment = &stack.functions["Greeter"].environment;
    assert_eq!(environment["LOGS"], "/aws/lambda/Greeter");
    assert_eq!(environment["TABLE"], "notes-of-/aws/lambda/Greeter");
    assert_eq!(stack.tables[0].name, environment["TABLE"]);
}

#[test]
fn settings_that_select_nothing_are_ignored() {
    let template = format!(
        "{}
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      ApiKeySelectionExpression: $request.header.x-api-key
      DisableSchemaValidation: true
      RouteSelectionExpression: $request.body.action
      Routes: {{$connect: {{FunctionArn: !GetAtt Greeter.Arn}}}}
",
        variables("", "A: b")
    );
    load(&template).unwrap();
}
