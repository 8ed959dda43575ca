//! The harness's HTTP API: routing, CORS, identity sources, the event that it builds from a request,
//! and the response that it builds from a function's answer, which here is the request's body.

use std::{future::Future, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::Request,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use harness::{
    gateway::{clock::Clock, http},
    invoke::{Invoke, InvokeError, Outcome, Queued},
    server::Peer,
    stack::HttpApi,
};
use serde_json::Value;
use tower::ServiceExt;

use super::{block_on, templates::stack};
use crate::message::Message;

const TEMPLATE: &str = r#"
Transform: AWS::Serverless-2016-10-31
Globals:
  HttpApi:
    CorsConfiguration:
      AllowOrigins: ["https://*", "http://localhost:3000"]
      AllowMethods: [GET]
    Auth:
      Authorizers:
        Tokens:
          FunctionArn: !GetAtt Authorizer.Arn
          AuthorizerPayloadFormatVersion: "2.0"
          EnableSimpleResponses: true
          EnableFunctionDefaultPermissions: true
          Identity:
            Headers: [Authorization]
            QueryStrings: [q]
            ReauthorizeEvery: 60
Resources:
  Authorizer:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: ., Handler: bootstrap, Runtime: provided.al2023}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: bootstrap
      Runtime: provided.al2023
      Events:
        Get:
          Type: HttpApi
          Properties: {Method: GET, Path: "/a/{b}/c", Auth: {Authorizer: Tokens}}
        Post:
          Type: HttpApi
          Properties: {Method: POST, Path: /a}
        Proxy:
          Type: HttpApi
          Properties: {Method: ANY, Path: "/p/{proxy+}"}
"#;

thread_local! {
    /// The API of [`TEMPLATE`].
    pub static API: HttpApi = stack(TEMPLATE).unwrap().http_apis.into_iter().next().unwrap();
}

pub fn run(data: &[u8]) {
    let Some(request) = Message::read(data).and_then(request) else {
        return;
    };
    API.with(|api| respond(api.clone(), request));
}

/// Returns the request of a message, if it is valid.
pub fn request(message: Message<'_>) -> Option<Request<Body>> {
    let mut target = message.path.to_owned();
    if !message.query.is_empty() {
        target.extend(["?", message.query]);
    }
    let request = Request::builder().method(message.method).uri(target);
    let mut request = request.body(Body::from(message.body.to_vec())).ok()?;
    *request.headers_mut() = message.headers;
    let peer = Peer::at(([127, 0, 0, 1], 49_152).into());
    request.extensions_mut().insert(ConnectInfo(peer));
    Some(request)
}

/// Sends a request to an API, unless the API has a route that is not supported.
pub fn respond(api: HttpApi, request: Request<Body>) {
    block_on(async {
        let router = http::router(Arc::new(api), Functions, Clock::default(), Router::new());
        let Ok(router) = router else { return };
        let status = router.oneshot(request).await.unwrap().status().as_u16();
        // A function chooses its status, but one below 200 would not end the response.
        assert!(status >= 200, "{status}");
    });
}

#[derive(Clone, Copy)]
struct Functions;

impl Invoke for Functions {
    fn invoke(
        &self,
        function: &str,
        payload: Bytes,
        _: Queued,
    ) -> impl Future<Output = Result<Outcome, InvokeError>> + Send {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let answer = match (function, event["body"].as_str()) {
            ("Authorizer", _) => Bytes::from_static(br#"{"isAuthorized":true,"context":{"a":1}}"#),
            (_, None) => Bytes::from_static(b"{}"),
            (_, Some(body)) if event["isBase64Encoded"] == true => {
                BASE64_STANDARD.decode(body).unwrap().into()
            }
            (_, Some(body)) => body.to_owned().into(),
        };
        std::future::ready(Ok(Outcome::Answer(answer)))
    }
}
