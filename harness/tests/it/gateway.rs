//! Shared by the gateway's tests: scripted functions, and a gateway in front of them on real
//! sockets.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{Router, body::Bytes};
use futures_util::StreamExt;
use harness::{
    gateway::websocket,
    iam::{Access, Credentials, Service, Signatures},
    invoke::{Invoke, InvokeError, Outcome, Queued},
    server::{self, Pages},
    stack::{Throttling, WebSocketApi, WebSocketAuthorizer, WebSocketRoute},
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, handshake::client::Response},
};

use crate::access::{send_signed, stack};

/// Far longer than any call takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Code = Box<dyn Fn(Value) -> Answer + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Result<Outcome, InvokeError>> + Send>>;

/// Scripted functions by name. The event of each call is also sent to [`Calls`].
#[derive(Clone)]
pub struct Functions {
    scripts: Arc<HashMap<&'static str, Code>>,
    calls: mpsc::UnboundedSender<(String, Value)>,
}

#[derive(Default)]
pub struct Script(HashMap<&'static str, Code>);

impl Script {
    /// Makes the function answer every event with `answer`.
    pub fn answering(self, name: &'static str, answer: Value) -> Self {
        self.returning(name, Ok(Outcome::Answer(answer.to_string().into())))
    }

    /// Makes every call of the function end with `result`.
    pub fn returning(self, name: &'static str, result: Result<Outcome, InvokeError>) -> Self {
        self.running(name, move |_| std::future::ready(result.clone()))
    }

    /// Makes the function run `code`.
    pub fn running<F>(
        mut self,
        name: &'static str,
        code: impl Fn(Value) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Outcome, InvokeError>> + Send + 'static,
    {
        self.0
            .insert(name, Box::new(move |event| Box::pin(code(event))));
        self
    }

    pub fn functions(self) -> (Functions, Calls) {
        let (calls, received) = mpsc::unbounded_channel();
        (
            Functions {
                scripts: Arc::new(self.0),
                calls,
            },
            Calls(received),
        )
    }
}

/// The calls, in order.
pub struct Calls(mpsc::UnboundedReceiver<(String, Value)>);

impl Calls {
    /// Returns the event of the next call, which must be one of `function`.
    pub async fn next(&mut self, function: &str) -> Value {
        let (name, event) = self.any().await;
        assert_eq!(name, function, "{event}");
        event
    }

    /// Returns the name and the event of the next call.
    pub async fn any(&mut self) -> (String, Value) {
        let called = timeout(PATIENCE, self.0.recv());
        called.await.expect("a call").unwrap()
    }

    pub fn assert_none(&mut self) {
        assert_eq!(self.0.try_recv().ok(), None);
    }
}

impl Invoke for Functions {
    async fn invoke(
        &self,
        function: &str,
        payload: Bytes,
        queued: Queued,
    ) -> Result<Outcome, InvokeError> {
        drop(queued);
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let script = self
            .scripts
            .get(function)
            .ok_or_else(|| InvokeError::UnknownFunction(function.to_owned()))?;
        let _ = self.calls.send((function.to_owned(), event.clone()));
        script(event).await
    }
}

pub fn answer(answer: &Value) -> Result<Outcome, InvokeError> {
    Ok(Outcome::Answer(answer.to_string().into()))
}

pub fn function_error(message: &str) -> Result<Outcome, InvokeError> {
    Ok(Outcome::FunctionError(
        json!({ "errorType": "Error", "errorMessage": message })
            .to_string()
            .into(),
    ))
}

/// Returns an authorizer's answer.
pub fn policy(effect: &str, resource: &str, context: &Value) -> Value {
    let statement =
        json!({ "Effect": effect, "Action": "execute-api:Invoke", "Resource": resource });
    json!({ "principalId": "ann", "policyDocument": { "Version": "2012-10-17", "Statement": [statement] }, "context": context })
}

/// Returns an API of stage `prod` with the routes `chat` (function Chat, replies), `quiet`
/// (function Quiet, does not reply) and the lifecycle routes, whose functions are Connect and
/// Disconnect.
pub fn api() -> WebSocketApi {
    let route = |function: &str, replies| WebSocketRoute {
        target: function.into(),
        timeout: Duration::from_secs(29),
        replies,
    };
    WebSocketApi {
        api_id: "abcdef1234".into(),
        stage: "prod".into(),
        route_selection_expression: "$request.body.action".into(),
        routes: BTreeMap::from([
            ("$connect".into(), route("Connect", false)),
            ("$disconnect".into(), route("Disconnect", false)),
            ("chat".into(), route("Chat", true)),
            ("quiet".into(), route("Quiet", false)),
        ]),
        authorizer: None,
        stage_variables: BTreeMap::new(),
        throttling: Throttling::default(),
    }
}

pub fn authorizer(identity_sources: &[&str]) -> Option<WebSocketAuthorizer> {
    let identity_sources = identity_sources.iter().map(ToString::to_string).collect();
    Some(WebSocketAuthorizer {
        function: "Authorizer".into(),
        identity_sources,
    })
}

/// Returns functions that succeed: the lifecycle routes, and Chat, which echoes.
pub fn polite() -> Script {
    Script::default()
        .answering("Connect", json!({ "statusCode": 200 }))
        .answering("Disconnect", json!({ "statusCode": 200 }))
        .answering("Quiet", json!({ "statusCode": 200, "body": "unheard" }))
        .running("Chat", |event| {
            std::future::ready(answer(&json!({ "statusCode": 200, "body": event["body"] })))
        })
}

/// A running WebSocket API.
pub struct Gateway {
    pub address: SocketAddr,
    pub shutdown: watch::Sender<bool>,
    pub server: JoinHandle<()>,
}

impl Gateway {
    pub async fn start(api: WebSocketApi, functions: Functions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, api, functions)
    }

    pub fn start_on(listener: TcpListener, api: WebSocketApi, functions: Functions) -> Self {
        let access = Access::from_stack(&stack([]), Signatures::Verified);
        Self::start_with(listener, api, access, functions)
    }

    pub fn start_with(
        listener: TcpListener,
        api: WebSocketApi,
        access: Access,
        functions: Functions,
    ) -> Self {
        Self::start_among(
            listener,
            api,
            access,
            functions,
            websocket::Connections::default(),
        )
    }

    pub fn start_among(
        listener: TcpListener,
        api: WebSocketApi,
        access: Access,
        functions: Functions,
        connections: websocket::Connections,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let router =
            websocket::router(Arc::new(api), access, functions, connections.clone()).unwrap();
        let (shutdown, ends) = watch::channel(false);
        let server = tokio::spawn(websocket::serve(vec![listener], router, connections, ends));
        Self {
            address,
            shutdown,
            server,
        }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/prod", self.address)
    }

    pub async fn connect(&self) -> Client {
        connect_async(self.url()).await.unwrap().0
    }

    /// Returns the status and the body of a refused handshake.
    pub async fn rejected_handshake(
        &self,
        request: impl tungstenite::client::IntoClientRequest + Unpin,
    ) -> (u16, Value) {
        match connect_async(request).await {
            Err(tungstenite::Error::Http(response)) => status_and_body(&response),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Sends a call of the management API, signed by the administrator.
    pub async fn manage(
        &self,
        method: &str,
        connection_id: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Response {
        manage(self.management(method, connection_id, body)).await
    }

    /// Builds the same call without a signature.
    pub fn management(
        &self,
        method: &str,
        connection_id: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::RequestBuilder {
        let url = format!(
            "http://{}/prod/@connections/{}",
            self.address,
            connection_id.replace('=', "%3D")
        );
        http().request(method.parse().unwrap(), url).body(body)
    }
}

/// Sends a call of the management API, signed by the administrator.
pub async fn manage(request: reqwest::RequestBuilder) -> reqwest::Response {
    send_signed(&Credentials::administrator(), Service::ExecuteApi, request).await
}

fn status_and_body(response: &Response) -> (u16, Value) {
    let body = response.body().as_deref().unwrap_or_default();
    (
        response.status().as_u16(),
        serde_json::from_slice(body).unwrap_or(Value::Null),
    )
}

/// Returns one client for all tests, because creating one reads the system's certificates. It keeps
/// no connections open, because a connection belongs to the runtime of one test.
pub fn http() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        let client = reqwest::Client::builder().pool_max_idle_per_host(0);
        client.build().unwrap()
    });
    &CLIENT
}

/// Serves a router on its own port until the returned sender is dropped.
pub async fn serve_http(router: Router) -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, ends) = watch::channel(false);
    tokio::spawn(server::serve(vec![listener], router, Pages::Cors, ends));
    (address, shutdown)
}

pub async fn next_text(client: &mut Client) -> String {
    match client.next().await.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        other => panic!("no text: {other:?}"),
    }
}

/// Returns the code and the reason of the gateway's close frame, skipping what comes before it.
pub async fn close_frame(client: &mut Client) -> (u16, String) {
    loop {
        match client.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
            Message::Close(None) => panic!("closed without a code"),
            _ => {}
        }
    }
}

pub fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

pub fn connection_id(event: &Value) -> String {
    event["requestContext"]["connectionId"]
        .as_str()
        .unwrap()
        .to_owned()
}
