//! Routes that call something else than a function.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::any,
};
use futures_util::SinkExt;
use harness::stack::{
    Change, ChangedPart, Endpoint, How, HttpApi, HttpRoute, HttpTarget, Mock, MockPiece, Piece,
    WebSocketTarget,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    gateway::{self, Gateway, connection_id, next_text, polite, serve_http},
    gateway_http::{self, Server, ok, status_and_json},
};

/// A server that answers with what it got.
struct Backend {
    address: SocketAddr,
    _shutdown: watch::Sender<bool>,
}

impl Backend {
    async fn open() -> Self {
        let moved = (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]);
        let router = Router::new()
            .route("/moved", any(async move || moved))
            .route("/hanging", any(std::future::pending::<()>))
            .fallback(echo);
        let (address, shutdown) = serve_http(router).await;
        Self {
            address,
            _shutdown: shutdown,
        }
    }

    fn endpoint(&self, path: &str) -> Endpoint {
        Endpoint {
            method: None,
            uri: format!("http://{}{path}", self.address),
            changes: Vec::new(),
        }
    }
}

async fn echo(request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    let header = |name: &str| {
        let values = parts.headers.get_all(name).iter();
        let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
        values.join("|")
    };
    let named = [
        "accept",
        "connection",
        "cookie",
        "forwarded",
        "host",
        "via",
        "x-a",
        "x-amzn-trace-id",
        "x-b",
    ];
    let headers: Value = named
        .map(|name| (name.to_owned(), Value::from(header(name))))
        .into_iter()
        .collect();
    let seen = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8(body.to_vec()).unwrap(),
    });
    let mut headers = HeaderMap::new();
    headers.append("x-answer", "1".parse().unwrap());
    headers.append("x-answer", "2".parse().unwrap());
    headers.append("set-cookie", "a=1".parse().unwrap());
    headers.append("keep-alive", "timeout=9".parse().unwrap());
    (StatusCode::CREATED, headers, seen.to_string())
}

fn api(routes: &[(&str, &str, HttpTarget)]) -> HttpApi {
    let mut api = gateway_http::api();
    let sample = api.routes[0].clone();
    let route = |(method, path, target): &(&str, &str, HttpTarget)| HttpRoute {
        method: (*method).to_owned(),
        path: (*path).to_owned(),
        target: target.clone(),
        ..sample.clone()
    };
    api.routes = routes.iter().map(route).collect();
    api
}

async fn seen(server: &Server, method: Method, path: &str) -> Value {
    let response = server.request(method, path).send().await.unwrap();
    assert_eq!(response.status(), 201, "{path}");
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_request_is_passed_on_to_an_endpoint_and_its_response_back() {
    let backend = Backend::open().await;
    let to = |path: &str| HttpTarget::Endpoint(backend.endpoint(path));
    let server = Server::open(
        api(&[
            ("ANY", "/files/{proxy+}", to("/store/{proxy}?own=1")),
            ("POST", "/pets/{id}", to("/pet/{id}/all")),
            ("GET", "/moved", to("/moved")),
        ]),
        ok(),
    )
    .await;

    let request = server.request(Method::PATCH, "/files/a%20b/c?x=1&x=%20&y");
    let request = request
        .header("x-a", "1")
        .header("x-a", "2")
        .header("cookie", "c=1; d=2")
        .header("te", "trailers")
        .header("forwarded", "for=nobody")
        .body("Grüße");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    let answers: Vec<_> = response.headers().get_all("x-answer").iter().collect();
    assert_eq!(answers, ["1", "2"]);
    assert_eq!(response.headers()["set-cookie"], "a=1");
    assert!(!response.headers().contains_key("keep-alive"));
    assert!(response.headers().contains_key("apigw-requestid"));
    let got: Value = response.json().await.unwrap();
    assert_eq!(got["method"], "PATCH");
    assert_eq!(got["target"], "/store/a%20b/c?own=1&x=1&x=%20&y");
    assert_eq!(got["body"], "Grüße");
    let headers = &got["headers"];
    assert_eq!(headers["host"], backend.address.to_string());
    assert_eq!(headers["x-a"], "1|2");
    assert_eq!(headers["cookie"], "c=1; d=2");
    assert_eq!(headers["via"], "HTTP/1.1 AmazonAPIGateway");
    let forwarded = format!(
        "by=127.0.0.1;for=127.0.0.1;host={};proto=http",
        server.address
    );
    assert_eq!(headers["forwarded"], forwarded);
    assert!(
        headers["x-amzn-trace-id"]
            .as_str()
            .unwrap()
            .starts_with("Root=1-")
    );

    let got = seen(&server, Method::POST, "/pets/a%2Fb%253F").await;
    assert_eq!(got["target"], "/pet/a%2Fb%3F/all");

    // A redirection is the client's to follow.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let moved = client
        .build()
        .unwrap()
        .get(format!("http://{}/moved", server.address));
    let moved = moved.send().await.unwrap();
    assert_eq!(
        (moved.status().as_u16(), &moved.headers()["location"]),
        (302, &"/elsewhere".parse().unwrap())
    );
}

#[tokio::test]
async fn the_parameters_of_an_integration_change_the_request() {
    let backend = Backend::open().await;
    let text = |text: &str| Piece::Text(text.to_owned());
    let change = |how, part, value: Vec<Piece>| Change { part, how, value };
    let header = |name: &str| ChangedPart::Header(name.to_owned());
    let query = |name: &str| ChangedPart::Query(name.to_owned());
    let endpoint = Endpoint {
        method: Some("PUT".into()),
        changes: vec![
            change(
                How::Overwrite,
                header("accept"),
                vec![text("application/json")],
            ),
            change(How::Append, header("x-a"), vec![Piece::Query("x".into())]),
            change(How::Remove, header("cookie"), vec![]),
            // The request has no such header, so nothing changes.
            change(
                How::Overwrite,
                header("x-b"),
                vec![text("b"), Piece::Header("x-none".into())],
            ),
            change(
                How::Overwrite,
                query("x"),
                vec![Piece::PathParameter("id".into())],
            ),
            change(
                How::Append,
                query("y"),
                vec![Piece::StageVariable("color".into())],
            ),
            change(How::Remove, query("z"), vec![]),
            change(
                How::Overwrite,
                ChangedPart::Path,
                vec![
                    text("/v2"),
                    Piece::Path,
                    text("-"),
                    Piece::Context("stage".into()),
                ],
            ),
        ],
        ..backend.endpoint("/ignored")
    };
    let mut api = api(&[("GET", "/pets/{id}", HttpTarget::Endpoint(endpoint))]);
    api.stage = "live".into();
    api.stage_variables.insert("color".into(), "red".into());
    let server = Server::open(api, ok()).await;
    let request = server.request(Method::GET, "/live/pets/7?x=1&y=2&z=3");
    let request = request
        .header("x-a", "0")
        .header("cookie", "a=1")
        .header("x-b", "1");
    let got: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(got["method"], "PUT");
    assert_eq!(got["target"], "/v2/pets/7-live?y=2&x=7&y=red");
    let headers = &got["headers"];
    assert_eq!(headers["accept"], "application/json");
    assert_eq!(headers["x-a"], "0|1");
    assert_eq!(headers["cookie"], "");
    assert_eq!(headers["x-b"], "1");
}

#[tokio::test]
async fn an_endpoint_that_gives_no_response_is_a_503() {
    let backend = Backend::open().await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let nowhere = Endpoint {
        uri: format!("http://{closed}"),
        ..backend.endpoint("")
    };
    let mut api = api(&[
        ("GET", "/nowhere", HttpTarget::Endpoint(nowhere)),
        (
            "GET",
            "/hanging",
            HttpTarget::Endpoint(backend.endpoint("/hanging")),
        ),
    ]);
    api.routes[1].timeout = Duration::from_millis(50);
    let server = Server::open(api, ok()).await;
    for path in ["/nowhere", "/hanging"] {
        let answer = status_and_json(server.get(path).await).await;
        assert_eq!(
            answer,
            (503, json!({ "message": "Service Unavailable" })),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_route_of_an_http_api_without_its_integration_answers_501_with_the_reason() {
    let absent = HttpTarget::Absent("The harness cannot \"run\" it.".into());
    let mut server = Server::open(api(&[("POST", "/queue", absent)]), ok()).await;
    let response = server.request(Method::POST, "/queue").send().await.unwrap();
    let expected = json!({ "message": "The harness cannot \"run\" it." });
    assert_eq!(status_and_json(response).await, (501, expected));
    server.calls.assert_none();
}

/// Returns an API whose route `chat` has this target.
fn chat(target: WebSocketTarget) -> harness::stack::WebSocketApi {
    let mut api = gateway::api();
    api.routes.get_mut("chat").unwrap().target = target;
    api
}

#[tokio::test]
async fn a_mock_answers_with_its_text_and_calls_nothing() {
    let mock = Mock {
        status: 200,
        reply: Some(vec![
            MockPiece::Text("pong ".into()),
            MockPiece::Context("connectionId".into()),
            MockPiece::Context("nothing".into()),
            MockPiece::Text(" ".into()),
            MockPiece::Context("identity.sourceIp".into()),
        ]),
    };
    let mut api = chat(WebSocketTarget::Mock(mock.clone()));
    let mut silent = api.routes["chat"].clone();
    silent.replies = false;
    api.routes.insert("silent".into(), silent);
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(api, functions).await;
    let mut client = gateway.connect().await;
    let connection = connection_id(&calls.next("Connect").await);
    // A route without a response sends nothing, so the next text is that of `chat`.
    for action in ["silent", "chat"] {
        let message = json!({ "action": action }).to_string();
        client.send(Message::text(message)).await.unwrap();
    }
    assert_eq!(
        next_text(&mut client).await,
        format!("pong {connection} 127.0.0.1")
    );
    calls.assert_none();
}

#[tokio::test]
async fn a_mock_decides_about_a_handshake_by_its_status() {
    for (status, expected) in [(200, None), (403, Some(403)), (500, Some(500))] {
        let mut api = gateway::api();
        let mock = Mock {
            status,
            reply: None,
        };
        api.routes.get_mut("$connect").unwrap().target = WebSocketTarget::Mock(mock);
        let (functions, mut calls) = polite().functions();
        let gateway = Gateway::start(api, functions).await;
        match expected {
            None => drop(gateway.connect().await),
            Some(expected) => {
                let (status, _) = gateway.rejected_handshake(gateway.url()).await;
                assert_eq!(status, expected);
                calls.assert_none();
            }
        }
    }
}

#[tokio::test]
async fn a_route_of_a_websocket_api_without_its_integration_answers_with_the_reason() {
    let reason = "The harness cannot \"run\" it.";
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(chat(WebSocketTarget::Absent(reason.into())), functions).await;
    let mut client = gateway.connect().await;
    let connection = connection_id(&calls.next("Connect").await);
    client
        .send(Message::text(r#"{"action":"chat"}"#))
        .await
        .unwrap();
    let frame: Value = serde_json::from_str(&next_text(&mut client).await).unwrap();
    assert_eq!(frame["message"], reason);
    assert_eq!(frame["connectionId"], connection);
    calls.assert_none();

    let mut api = gateway::api();
    api.routes.get_mut("$connect").unwrap().target = WebSocketTarget::Absent(reason.into());
    let (functions, mut calls) = polite().functions();
    let gateway = Gateway::start(api, functions).await;
    let (status, body) = gateway.rejected_handshake(gateway.url()).await;
    assert_eq!((status, &body["message"]), (501, &json!(reason)));
    calls.assert_none();
}
