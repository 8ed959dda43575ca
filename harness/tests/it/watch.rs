//! `--watch` in a temporary workspace, where one of two functions depends on a library.

use std::fs;

use futures_util::{SinkExt, StreamExt};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::run::Folder;

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  Speaker:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: speaker}}
    Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: speaker}
  Bystander:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: bystander}}
    Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: bystander}
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: dev
      RouteSelectionExpression: $request.body.action
      Routes:
        $default:
          FunctionArn: !GetAtt Speaker.Arn
          RouteResponseSelectionExpression: $default
        bystander:
          FunctionArn: !GetAtt Bystander.Arn
          RouteResponseSelectionExpression: $default
  SpeakerResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref ApiDefaultRoute, RouteResponseKey: $default}
  BystanderResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref ApiBystanderRoute, RouteResponseKey: $default}
";

/// A Lambda runtime that answers every event with a word and its process id.
const RUNTIME: &str = r#"
use std::{env, io::{Read, Write}, net::TcpStream, process};

fn main() {
    loop {
        let event = call("GET", "next", "");
        let Some(id) = event
            .lines()
            .find_map(|line| line.strip_prefix("lambda-runtime-aws-request-id: "))
        else {
            return;
        };
        let answer = format!("{{\"statusCode\":200,\"body\":\"{} {}\"}}", WORD, process::id());
        call("POST", &format!("{id}/response"), &answer);
    }
}

fn call(method: &str, path: &str, body: &str) -> String {
    let host = env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut stream = TcpStream::connect(&host).unwrap();
    write!(
        stream,
        "{method} /2018-06-01/runtime/invocation/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
"#;

/// A workspace of `speaker`, `bystander` and `words`. Only `speaker` depends on `words`.
fn workspace() -> Folder {
    let folder = Folder::with(TEMPLATE);
    let write = |file: &str, content: &str| {
        let path = folder.path.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    let members =
        "[workspace]\nresolver = \"3\"\nmembers = [\"speaker\", \"bystander\", \"words\"]\n";
    write("Cargo.toml", members);
    for (name, rest) in [
        ("speaker", "dependencies.words.path = \"../words\"\n"),
        ("bystander", ""),
        ("words", ""),
    ] {
        let package = format!("package = {{ name = \"{name}\", edition = \"2024\" }}\n{rest}");
        write(&format!("{name}/Cargo.toml"), &package);
    }
    write("speaker/src/main.rs", &format!("use words::WORD;{RUNTIME}"));
    write(
        "bystander/src/main.rs",
        &format!("const WORD: &str = \"nothing\";{RUNTIME}"),
    );
    write("words/src/lib.rs", &word("one"));
    folder
}

fn word(word: &str) -> String {
    format!("pub const WORD: &str = \"{word}\";\n")
}

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn connect(ready: &Value) -> Self {
        let (socket, _) = connect_async(ready["ws"].as_str().unwrap()).await.unwrap();
        Self(socket)
    }

    async fn ask(&mut self, action: &str) -> String {
        let frame = format!(r#"{{"action":"{action}"}}"#);
        self.0.send(Message::text(frame)).await.unwrap();
        let answer = self.0.next().await.unwrap().unwrap();
        answer.into_text().unwrap().to_string()
    }
}

#[tokio::test]
async fn a_change_replaces_only_the_functions_that_depend_on_it() {
    let folder = workspace();
    let mut program = folder.start(&["--http-port=0", "--watch"]);
    program.says("Watching").await;
    let mut socket = Socket::connect(&folder.ready()).await;
    let first = socket.ask("speak").await;
    assert!(first.starts_with("one "), "{first}");
    let bystander = socket.ask("bystander").await;

    fs::write(folder.path.join("words/src/lib.rs"), word("two")).unwrap();
    program.says("Replaced Speaker.").await;
    let second = socket.ask("speak").await;
    assert!(second.starts_with("two "), "{second}");
    assert_eq!(socket.ask("bystander").await, bystander);

    fs::write(folder.path.join("words/src/lib.rs"), "no Rust at all").unwrap();
    program
        .says("Nothing replaced, the old functions keep running: ")
        .await;
    assert_eq!(socket.ask("speak").await, second);

    fs::write(folder.path.join("words/src/lib.rs"), word("three")).unwrap();
    program.says("Replaced Speaker.").await;
    assert!(socket.ask("speak").await.starts_with("three "));

    assert!(program.end(Signal::SIGINT).await.success());
    let left = fs::read_dir(folder.path.join("target/debug/harness-running")).unwrap();
    assert_eq!(left.count(), 0);
}
