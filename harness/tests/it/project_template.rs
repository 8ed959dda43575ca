//! The template of this project, as the harness reads it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use harness::{
    iam::Statement,
    stack::{Code, Stack, Throttle},
    template,
};
use serde_json::json;

use crate::template::local;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

#[test]
fn the_template_of_this_project_is_supported() {
    let path = project().join("infra/template.yaml");
    let stack = template::load(&path, &local(), &BTreeMap::new()).unwrap();

    // What the template declares is counted in its text, so that this test names only examples.
    let text = fs::read_to_string(&path).unwrap();
    let declared = |line: &str| text.lines().filter(|other| other.trim() == line).count();
    assert_eq!(
        stack.functions.len(),
        declared("Type: AWS::Serverless::Function")
    );
    let authorizer = &stack.functions["AuthorizerFunction"];
    assert_eq!(
        authorizer.code,
        Code::Cargo {
            directory: project().join("functions/authorizer"),
            binary: "authorizer".to_owned(),
        }
    );
    assert_eq!(authorizer.environment["ALLOWED_ORIGINS"], local().origins);
    assert_eq!(authorizer.environment["TOKEN_ISSUER"], local().issuer);
    assert_eq!(authorizer.environment["TOKEN_AUDIENCE"], local().audience);
    assert_eq!(authorizer.environment["AWS_LAMBDA_LOG_LEVEL"], "INFO");
    assert!(authorizer.policy.is_empty());

    let chat = stack.websocket_api.unwrap();
    assert_eq!(chat.stage, "dev");
    assert_eq!(chat.route_selection_expression, "$request.body.action");
    assert!(chat.authorizer.unwrap().identity_sources.is_empty());
    let route = |key: &str| {
        let route = &chat.routes[key];
        (&route.target, route.replies)
    };
    assert_eq!(route("$connect"), (&"ConnectFunction".into(), false));
    assert_eq!(route("$default"), (&"DefaultFunction".into(), true));
    assert_eq!(route("ping"), (&"SubscriptionsFunction".into(), true));
    assert_eq!(route("typing"), (&"SignalsFunction".into(), false));
    assert_eq!(
        chat.routes.values().filter(|route| route.replies).count(),
        declared("RouteResponseSelectionExpression: $default")
    );

    let rest = stack.http_apis.into_iter().next().unwrap();
    assert_eq!(rest.stage, "$default");
    assert_eq!(rest.routes.len(), declared("Type: HttpApi"));
    assert!(
        rest.routes
            .iter()
            .all(|route| route.authorizer.as_deref() == Some("Token"))
    );
    assert_eq!(
        rest.authorizers["Token"].identity_sources,
        ["$request.header.Authorization"]
    );
    assert_eq!(
        rest.authorizers["Token"].cached_for,
        Duration::from_secs(300)
    );
    assert_eq!(
        rest.cors.unwrap().allow_origins,
        ["http://localhost:3000", "http://127.0.0.1:3000"]
    );

    let send = &stack.functions["SendMessageFunction"];
    assert_eq!(send.environment["TABLE_NAME"], "ChatTable");
    assert_eq!(
        send.policy.last(),
        Some(&Statement::of_role(json!({
            "Effect": "Allow",
            "Action": "execute-api:ManageConnections",
            "Resource": format!("arn:aws:execute-api:us-east-1:123456789012:{}/dev/POST/@connections/*", chat.api_id),
        })).unwrap())
    );

    for function in [
        "ConnectFunction",
        "DefaultFunction",
        "RestFunction",
        "SendMessageFunction",
        "SignalsFunction",
        "SubscriptionsFunction",
    ] {
        let environment = &stack.functions[function].environment;
        assert_eq!(environment["USER_REQUEST_RATE"], "10", "{function}");
        assert_eq!(environment["USER_REQUEST_BURST"], "100", "{function}");
    }

    let table = &stack.tables[0];
    assert_eq!(table.name, "ChatTable");
    assert_eq!(table.expires_by.as_deref(), Some("expires_at"));
    assert_eq!(
        table.create["StreamSpecification"],
        json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    );
    assert_eq!(
        table.create["GlobalSecondaryIndexes"][0]["IndexName"],
        "by_owner"
    );
}

#[test]
fn the_template_of_this_project_has_limits_that_parameters_change() {
    let path = project().join("infra/template.yaml");
    let load = |given: &[(&str, &str)]| {
        let overrides = given.iter();
        let overrides = overrides.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        template::load(&path, &local(), &overrides.collect()).unwrap()
    };
    let throttle = |rate, burst| Some(Throttle { rate, burst });
    let limits = |stack: Stack| {
        let chat = stack.websocket_api.unwrap().throttling;
        let rest = stack.http_apis.into_iter().next().unwrap().throttling;
        let authorizer = stack.functions["AuthorizerFunction"].reserved_concurrency;
        let reading = rest.of("GET /conversations");
        (chat.of("$connect"), chat.of("ping"), reading, authorizer)
    };
    assert_eq!(
        limits(load(&[])),
        (
            throttle(250.0, 500),
            throttle(2_000.0, 2_000),
            throttle(2_000.0, 2_000),
            Some(100)
        )
    );
    let other = load(&[
        ("ThrottlingRate", "20"),
        ("ThrottlingBurst", "30"),
        ("ConnectThrottlingRate", "4"),
        ("ConnectThrottlingBurst", "5"),
        ("AuthorizerConcurrency", "0"),
    ]);
    let expected = (
        throttle(4.0, 5),
        throttle(20.0, 30),
        throttle(20.0, 30),
        None,
    );
    assert_eq!(limits(other), expected);
}
