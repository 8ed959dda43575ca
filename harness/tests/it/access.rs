//! Signatures and permissions at DynamoDB, the management API and Lambda.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use harness::{
    dynamodb::{Choice, Engine, Proxy, create_tables},
    faults::Faults,
    iam::{Access, Credentials, Service, Signatures, Statement, sign},
    stack::{Code, Function, Stack},
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpListener;

use crate::{
    dynamodb::tables,
    gateway::{Gateway, api, connection_id, http, polite},
};

const CHAT: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/chat";

/// Returns a function `test-ID` with these statements as its policy.
pub fn function(logical_id: &str, statements: &[Value]) -> Function {
    Function {
        logical_id: logical_id.to_owned(),
        name: format!("test-{logical_id}"),
        code: Code::Cargo {
            directory: PathBuf::from("/"),
            binary: format!("{logical_id}_binary"),
        },
        handler: "bootstrap".to_owned(),
        environment: BTreeMap::new(),
        // Tests of timeouts set their own.
        timeout: Duration::from_secs(900),
        memory: 128,
        reserved_concurrency: None,
        asynchronous: Default::default(),
        policy: statements
            .iter()
            .map(|statement| Statement::of_role(statement.clone()).unwrap())
            .collect(),
    }
}

/// Returns a stack with only these functions.
pub fn stack(functions: impl IntoIterator<Item = Function>) -> Stack {
    Stack {
        functions: functions
            .into_iter()
            .map(|function| (function.logical_id.clone(), function))
            .collect(),
        ..Stack::default()
    }
}

pub fn allow(action: &str, resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": resource })
}

/// Signs a request as AWS clients do, and sends it.
pub async fn send_signed(
    credentials: &Credentials,
    service: Service,
    request: reqwest::RequestBuilder,
) -> reqwest::Response {
    attempt_signed(credentials, service, request).await.unwrap()
}

/// Signs and sends a request that may fail without a response.
pub async fn attempt_signed(
    credentials: &Credentials,
    service: Service,
    request: reqwest::RequestBuilder,
) -> reqwest::Result<reqwest::Response> {
    let mut request = request.build().unwrap();
    sign(
        credentials,
        service,
        &mut request,
        OffsetDateTime::now_utc(),
    );
    http().execute(request).await
}

fn with_another_secret(credentials: &Credentials) -> Credentials {
    Credentials {
        secret_access_key: "another".to_owned(),
        ..credentials.clone()
    }
}

fn unknown() -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        ..Credentials::administrator()
    }
}

#[tokio::test]
async fn dynamodb_requires_a_signature_and_a_permission() {
    let engine = Engine::start(Choice::Embedded, None).await.unwrap();
    create_tables(&tables("sk"), &engine).await.unwrap();
    let everything_but_deleting = [
        allow("dynamodb:*", CHAT),
        json!({ "Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": "*" }),
    ];
    let access = Access::from_stack(
        &stack([
            function("Read", &[allow("dynamodb:Query", CHAT)]),
            function("Write", &everything_but_deleting),
        ]),
        Signatures::Verified,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let _proxy = Proxy::open(vec![listener], &engine, access.clone(), Faults::default());

    let read = access.credentials("Read").unwrap();
    let write = access.credentials("Write").unwrap();
    let key = json!({ "pk": { "S": "a" }, "sk": { "S": "b" } });
    let get = json!({ "TableName": "chat", "Key": key });
    let query = json!({
        "TableName": "chat",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": "a" } },
    });
    let query_index = json!({
        "TableName": "chat",
        "IndexName": "by_owner",
        "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": { "#o": "owner" },
        "ExpressionAttributeValues": { ":o": { "S": "a" } },
    });
    let delete_together = json!({ "TransactItems": [{ "Delete": get }] });
    let denied = |function: &str, action: &str, resource: &str, reason: &str| {
        format!(
            "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/{function}Role/test-{function} is not \
             authorized to perform: dynamodb:{action} on resource: {resource} {reason}"
        )
    };
    let no_query = "because no identity-based policy allows the dynamodb:Query action";
    let no_get = "because no identity-based policy allows the dynamodb:GetItem action";
    let explicit = "with an explicit deny in an identity-based policy";
    let index = format!("{CHAT}/index/by_owner");
    let mismatch = "InvalidSignatureException: The request signature we calculated does not match the signature you \
                    provided. Check your AWS Secret Access Key and signing method. Consult the service documentation \
                    for details.";
    let unrecognized =
        "UnrecognizedClientException: The security token included in the request is invalid.";
    let table = [
        (read.clone(), "Query", &query, String::new()),
        (write.clone(), "GetItem", &get, String::new()),
        (Credentials::administrator(), "GetItem", &get, String::new()),
        (
            read.clone(),
            "Query",
            &query_index,
            denied("Read", "Query", &index, no_query),
        ),
        (
            read.clone(),
            "GetItem",
            &get,
            denied("Read", "GetItem", CHAT, no_get),
        ),
        (
            write.clone(),
            "TransactWriteItems",
            &delete_together,
            denied("Write", "DeleteItem", CHAT, explicit),
        ),
        (
            with_another_secret(read),
            "Query",
            &query,
            mismatch.to_owned(),
        ),
        (unknown(), "Query", &query, unrecognized.to_owned()),
    ];
    for (credentials, operation, body, expected) in table {
        let request = http()
            .post(&address)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(body.to_string());
        let response = send_signed(&credentials, Service::DynamoDb, request).await;
        let status = if expected.is_empty() { 200 } else { 400 };
        assert_eq!(response.status(), status, "{operation} {body}");
        let answer: Value = response.json().await.unwrap();
        let message = answer.get("Message").or(answer.get("message"));
        let said = match answer.get("__type") {
            Some(kind) => format!(
                "{}: {}",
                kind.as_str().unwrap().rsplit('#').next().unwrap(),
                message.unwrap().as_str().unwrap()
            ),
            None => String::new(),
        };
        assert_eq!(said, expected, "{operation} {body}");
    }

    let unsigned = http()
        .post(&address)
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(unsigned.status(), 400);
    assert_eq!(
        unsigned.json::<Value>().await.unwrap(),
        json!({
            "__type": "com.amazon.coral.service#MissingAuthenticationTokenException",
            "message": "Request is missing Authentication Token",
        })
    );
    let health = http().get(&address).send().await.unwrap();
    let health = health.text().await.unwrap();
    assert!(!health.contains("AuthenticationToken"), "{health}");
    engine.stop().await;
}

#[tokio::test]
async fn the_management_api_requires_a_signature_and_a_permission() {
    let posts = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/POST/@connections/*";
    let stack = stack([function(
        "Push",
        &[allow("execute-api:ManageConnections", posts)],
    )]);
    for signatures in [Signatures::Verified, Signatures::Ignored] {
        let access = Access::from_stack(&stack, signatures);
        let (functions, mut calls) = polite().functions();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = Gateway::start_with(listener, api(), access.clone(), functions);
        let _client = gateway.connect().await;
        let connection = connection_id(&calls.next("Connect").await);

        let push = access.credentials("Push").unwrap();
        let verified = signatures == Signatures::Verified;
        // Status, type and message with verification, and the status without.
        let denied = "User: arn:aws:sts::123456789012:assumed-role/PushRole/test-Push is not authorized to perform: \
                      execute-api:ManageConnections on resource: \
                      arn:aws:execute-api:us-east-1:********9012:abcdef1234/prod/GET/@connections/{connectionId} \
                      because no identity-based policy allows the execute-api:ManageConnections action";
        let table = [
            (push.clone(), "POST", 200, "", "", 200),
            (Credentials::administrator(), "GET", 200, "", "", 200),
            (
                push.clone(),
                "GET",
                403,
                "AccessDeniedException",
                denied,
                403,
            ),
            (
                with_another_secret(push),
                "POST",
                403,
                "InvalidSignatureException",
                "The request signature we calculated",
                200,
            ),
            (
                unknown(),
                "POST",
                403,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
                200,
            ),
        ];
        for (credentials, method, status, kind, message, lenient) in table {
            let url = format!("http://{}/prod/@connections/{connection}", gateway.address);
            let request = http().request(method.parse().unwrap(), url).body("hello");
            let response = send_signed(&credentials, Service::ExecuteApi, request).await;
            if !verified {
                assert_eq!(response.status(), lenient, "{credentials:?} {method}");
                continue;
            }
            assert_eq!(response.status(), status, "{credentials:?} {method}");
            let given = response
                .headers()
                .get("x-amzn-errortype")
                .map_or("", |given| given.to_str().unwrap());
            assert_eq!(given, kind);
            if status != 200 {
                let body: Value = response.json().await.unwrap();
                let said = body.get("Message").or(body.get("message")).unwrap();
                assert!(said.as_str().unwrap().starts_with(message), "{body}");
            }
        }
        let unsigned = http().post(format!(
            "http://{}/prod/@connections/{connection}",
            gateway.address
        ));
        assert_eq!(
            unsigned.send().await.unwrap().status(),
            if verified { 403 } else { 200 }
        );
    }
}
