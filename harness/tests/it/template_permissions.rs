//! What the policies and roles of a template allow.

use harness::{
    iam::{self, Verdict},
    stack::Stack,
};

use crate::template::{load, variables};

const TABLE: &str = "
  People:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
";

/// Returns the stack of a function with these lines among its properties.
fn stack(lines: &str, resources: &str) -> Stack {
    load(&format!(
        "{}{lines}{TABLE}{resources}",
        variables("", "A: b")
    ))
    .unwrap()
}

fn allows(stack: &Stack, action: &str, resource: &str) -> bool {
    let region = resource.replace("arn:", "arn:aws:");
    iam::verdict(&stack.functions["Greeter"].policy, action, &region) == Verdict::Allowed
}

#[test]
fn policy_templates_are_expanded_as_by_sam() {
    let stack = stack(
        "      Policies:
        - AWSLambdaBasicExecutionRole
        - DynamoDBCrudPolicy: {TableName: !Ref People}
        - DynamoDBStreamReadPolicy: {TableName: !Ref People, StreamName: a}
        - LambdaInvokePolicy: {FunctionName: !Ref Greeter}
        - SQSSendMessagePolicy: {QueueName: jobs}
        - S3ReadPolicy: {BucketName: files}
        - SNSPublishMessagePolicy: {TopicName: news}
        - AmazonAPIGatewayInvokeFullAccess
        - Statement: {Effect: Allow, Action: a:b, Resource: '*'}
",
        "",
    );
    const PEOPLE: &str = "arn:dynamodb:us-east-1:123456789012:table/People";
    for (action, resource, allowed) in [
        ("dynamodb:PutItem", PEOPLE, true),
        ("dynamodb:Query", &format!("{PEOPLE}/index/by_name"), true),
        (
            "dynamodb:PutItem",
            &PEOPLE.replace("People", "Other"),
            false,
        ),
        ("dynamodb:DeleteTable", PEOPLE, false),
        ("dynamodb:GetRecords", &format!("{PEOPLE}/stream/a"), true),
        (
            "lambda:InvokeFunction",
            "arn:lambda:us-east-1:123456789012:function:Greeter",
            true,
        ),
        (
            "lambda:InvokeFunction",
            "arn:lambda:us-east-1:123456789012:function:Other",
            false,
        ),
        (
            "sqs:SendMessageBatch",
            "arn:sqs:us-east-1:123456789012:jobs",
            true,
        ),
        ("s3:GetObject", "arn:s3:::files/a", true),
        ("s3:PutObject", "arn:s3:::files/a", false),
        (
            "execute-api:ManageConnections",
            "arn:execute-api:us-east-1:123456789012:abc/dev/POST/@connections/x",
            true,
        ),
        (
            "logs:PutLogEvents",
            "arn:logs:us-east-1:123456789012:log-group:a",
            true,
        ),
        ("a:b", "arn:any", true),
    ] {
        assert_eq!(
            allows(&stack, action, resource),
            allowed,
            "{action} {resource}"
        );
    }
}

#[test]
fn a_role_of_the_template_gives_its_permissions() {
    let role = "
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {}
      ManagedPolicyArns:
        - arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
        - !Ref Shared
      Policies:
        - PolicyName: own
          PolicyDocument:
            Statement: [{Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt People.Arn}]
  Shared:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: {Statement: {Effect: Allow, Action: a:shared, Resource: '*'}}}
  Attached:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: attached
      PolicyDocument: {Statement: [{Effect: Allow, Action: a:attached, Resource: '*'}]}
      Roles: [!Ref Role]
";
    let people = "arn:dynamodb:us-east-1:123456789012:table/People";
    // SAM adds no policies to a role that it does not create.
    let lines = "      Role: !GetAtt Role.Arn\n      Policies: [AmazonDynamoDBFullAccess]\n";
    let stack = stack(lines, role);
    for (action, allowed) in [
        ("dynamodb:GetItem", true),
        ("dynamodb:PutItem", false),
        ("logs:CreateLogStream", true),
        ("a:shared", true),
        ("a:attached", true),
    ] {
        assert_eq!(allows(&stack, action, people), allowed, "{action}");
    }
    let foreign = format!(
        "{}      Role: arn:aws:iam::1:role/a\n",
        variables("", "A: b")
    );
    let error = load(&foreign).unwrap_err();
    assert!(
        error.contains("template.yaml:12:13: expected the ARN of an AWS::IAM::Role"),
        "{error}"
    );
}

#[test]
fn a_function_without_sam_has_the_permissions_of_its_role() {
    let stack = load(
        "Resources:
  Greeter:
    Type: AWS::Lambda::Function
    Properties: {Runtime: provided.al2023, Handler: a, Code: ., Role: !GetAtt Role.Arn}
  Role:
    Type: AWS::IAM::Role
    Properties: {Policies: [{PolicyDocument: {Statement: {Effect: Allow, Action: a:b, Resource: '*'}}}]}
",
    )
    .unwrap();
    assert!(allows(&stack, "a:b", "arn:any"));
}

#[test]
fn short_ids_and_simple_tables_are_tables() {
    let stack = load(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  T:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  S: {Type: AWS::Serverless::SimpleTable}
  Numbered:
    Type: AWS::Serverless::SimpleTable
    Properties: {PrimaryKey: {Name: n, Type: Number}}
",
    )
    .unwrap();
    let tables: Vec<_> = stack
        .tables
        .iter()
        .map(|table| {
            let key = &table.create["AttributeDefinitions"][0];
            format!(
                "{} {} {}",
                table.name, key["AttributeName"], key["AttributeType"]
            )
        })
        .collect();
    assert_eq!(
        tables,
        [
            r#"local-T "id" "S""#,
            r#"local-S "id" "S""#,
            r#"Numbered "n" "N""#
        ]
    );
    assert!(
        stack
            .tables
            .iter()
            .all(|table| table.create["TableName"] == table.name)
    );
}
