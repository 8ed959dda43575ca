//! The harness as a program: its output, its files and its exit.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use harness::iam::{Credentials, Service};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::access::send_signed;

pub const TEMPLATE: &str = "
Resources:
  Notes:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
";

/// Far longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary folder with a template.
pub struct Folder {
    pub path: PathBuf,
    _removed_on_drop: TempDir,
}

impl Folder {
    pub fn with(template: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("template.yaml"), template).unwrap();
        Self {
            path: folder.path().to_owned(),
            _removed_on_drop: folder,
        }
    }

    /// Copies another folder with everything in it.
    pub fn of(other: &Path) -> Self {
        let folder = Self::with("");
        copy(other, &folder.path);
        folder
    }

    pub fn start(&self, options: &[&str]) -> Program {
        self.start_by(Command::new(env!("CARGO_BIN_EXE_harness")), options)
    }

    fn start_by(&self, mut command: Command, options: &[&str]) -> Program {
        let mut child = command
            .args(["--template", "template.yaml", "--ready-file", "ready.json"])
            .args(["--ws-port=0", "--lambda-port=0", "--dynamodb-port=0"])
            .args(options)
            .current_dir(&self.path)
            // Builds write into the temporary folder.
            .env_remove("CARGO_TARGET_DIR")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Program { child, lines }
    }

    pub fn ready(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path.join("ready.json")).unwrap()).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copy_of = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&copy_of).unwrap();
            copy(&entry.path(), &copy_of);
        } else {
            fs::copy(entry.path(), copy_of).unwrap();
        }
    }
}

pub struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Reads the output until a line with this beginning.
    pub async fn says(&mut self, beginning: &str) {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if line.starts_with(beginning) {
                return;
            }
        }
        panic!("the program ended without a line {beginning:?}");
    }

    #[cfg(target_os = "linux")]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub async fn end(mut self, signal: Signal) -> ExitStatus {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
        self.child.wait().await.unwrap()
    }

    /// Ends the program and returns its log.
    pub async fn log_until(mut self, signal: Signal) -> String {
        let mut stderr = self.child.stderr.take().unwrap();
        assert!(self.end(signal).await.success());
        let mut log = String::new();
        stderr.read_to_string(&mut log).await.unwrap();
        log
    }

    async fn fails(mut self) -> String {
        let mut complaint = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut complaint).await.unwrap();
        assert_eq!(self.child.wait().await.unwrap().code(), Some(1));
        complaint
    }
}

#[tokio::test]
async fn the_ready_file_has_all_addresses_and_a_signal_ends_the_program() {
    let folder = Folder::with(TEMPLATE);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut program = folder.start(&["--http-port=0"]);
        program.says("Ready after").await;

        let ready = folder.ready();
        let http = ready["http"].as_str().unwrap();
        let login = ready["login"].as_str().unwrap();
        assert_eq!(login, format!("{http}/.local/login"));
        assert!(
            ready.get("ws").is_none(),
            "the template has no WebSocket API: {ready}"
        );
        let client = reqwest::Client::new();
        for login in [login.to_owned(), login.replace("127.0.0.1", "[::1]")] {
            let answer = client
                .post(login)
                .json(&json!({"user": "ada"}))
                .send()
                .await
                .unwrap();
            let answer: Value = answer.json().await.unwrap();
            assert!(answer["token"].is_string());
        }
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let administrator = Credentials {
            access_key_id: text("accessKeyId"),
            secret_access_key: text("secretAccessKey"),
            session_token: None,
        };
        let request = client
            .post(text("dynamodb"))
            .header("x-amz-target", "DynamoDB_20120810.ListTables")
            .header("content-type", "application/x-amz-json-1.0")
            .body("{}");
        let tables = send_signed(&administrator, Service::DynamoDb, request).await;
        let tables: Value = tables.json().await.unwrap();
        assert_eq!(tables, json!({"TableNames": ["Notes"]}));

        assert!(program.end(signal).await.success());
        assert!(!folder.path.join("ready.json").exists());
    }
}

#[tokio::test]
async fn the_address_of_the_page_is_printed_if_there_is_one() {
    let folder = Folder::with(TEMPLATE);
    let mut program = folder.start(&["--http-port=0"]);
    program.says("There is no page").await;
    program.says("Ready after").await;
    assert!(folder.ready().get("page").is_none());
    assert!(program.end(Signal::SIGINT).await.success());

    let web = folder.path.join("web");
    fs::create_dir(&web).unwrap();
    fs::write(web.join("index.html"), "Welcome").unwrap();
    let mut program = folder.start(&["--http-port=0", "--web=web"]);
    program.says("  Page          http://localhost:").await;
    let ready = folder.ready();
    let page = reqwest::get(ready["page"].as_str().unwrap()).await.unwrap();
    assert_eq!(page.text().await.unwrap(), "Welcome");
    assert!(program.end(Signal::SIGINT).await.success());
}

/// Returns a template with two HTTP APIs, whose routes do not run locally.
fn two_apis() -> String {
    let api = |name: &str, stage: &str| {
        format!(
            "  {name}:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: {stage}
      DefinitionBody:
        paths:
          /{name}:
            get:
              x-amazon-apigateway-integration: {{type: aws_proxy, integrationSubtype: SQS-SendMessage}}
"
        )
    };
    format!(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n{}{}",
        api("First", "$default"),
        api("Second", "v2")
    )
}

#[tokio::test]
async fn each_http_api_has_a_port_of_its_own() {
    let folder = Folder::with(&two_apis());
    let mut program = folder.start(&["--http-port=0"]);
    program.says("  HTTP API Second http://127.0.0.1:").await;
    program.says("DynamoDB keeps").await;
    let ready = folder.ready();
    let first = ready["http"].as_str().unwrap();
    let second = ready["http.Second"].as_str().unwrap();
    assert!(second.ends_with("/v2"), "{second}");
    for (url, status) in [
        (format!("{first}/First"), 501),
        (format!("{first}/v2/Second"), 404),
        (format!("{second}/Second"), 501),
        (second.replace("v2", "First"), 404),
        (second.replace("v2", "config.json"), 404),
    ] {
        assert_eq!(reqwest::get(&url).await.unwrap().status(), status, "{url}");
    }
    let port = second.trim_end_matches("/v2").rsplit(':').next().unwrap();

    let chosen = Folder::with(&two_apis());
    let option = format!("--api-port=Second={port}");
    let complaint = chosen.start(&["--http-port=0", &option]).fails().await;
    let expected = format!("error: port {port} is in use: choose another with --api-port");
    assert!(complaint.starts_with(&expected), "{complaint}");
    assert!(program.end(Signal::SIGINT).await.success());
    let mut program = chosen.start(&["--http-port=0", &option]);
    program.says("Ready after").await;
    assert_eq!(chosen.ready()["http.Second"], second);
    assert!(program.end(Signal::SIGINT).await.success());
    let complaint = chosen
        .start(&["--http-port=0", "--api-port=First=1"])
        .fails()
        .await;
    assert!(complaint.contains("the others are: Second"), "{complaint}");
}

#[tokio::test]
async fn the_limit_of_open_files_is_raised_to_the_hard_limit() {
    let folder = Folder::with(TEMPLATE);
    let mut shell = Command::new("sh");
    let limited = "ulimit -S -n 64; exec \"$0\" \"$@\"";
    shell.args(["-c", limited, env!("CARGO_BIN_EXE_harness")]);
    let mut program = folder.start_by(shell, &["--http-port=0"]);
    program.says("Ready after").await;
    let http = folder.ready()["http"].as_str().unwrap().to_owned();
    let address = http.strip_prefix("http://").unwrap();
    let mut open = Vec::new();
    for _ in 0..200 {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /config.json HTTP/1.1\r\nHost: {address}\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        // The response arrives, and the connection stays open.
        timeout(PATIENCE, connection.read_u8())
            .await
            .expect("the connection is not accepted")
            .unwrap();
        open.push(connection);
    }
    assert!(program.end(Signal::SIGINT).await.success());
}

#[tokio::test]
async fn the_error_for_a_port_in_use_names_the_option() {
    let folder = Folder::with(TEMPLATE);
    let mut program = folder.start(&["--http-port=0"]);
    program.says("Ready after").await;
    let http = folder.ready()["http"].as_str().unwrap().to_owned();
    let port = http.rsplit(':').next().unwrap();

    let second = Folder::with(TEMPLATE);
    let complaint = second.start(&["--http-port", port]).fails().await;
    assert_eq!(
        complaint,
        format!(
            "error: port {port} is in use: choose another with --http-port, or 0 for any free one\n"
        )
    );
    assert!(program.end(Signal::SIGINT).await.success());
}

#[tokio::test]
async fn an_unsupported_template_stops_the_start() {
    let folder = Folder::with("Resources: {Queue: {Type: AWS::Kinesis::Stream}}");
    let complaint = folder.start(&["--http-port=0"]).fails().await;
    assert!(
        complaint.starts_with("error: template.yaml:1:27: Queue: "),
        "{complaint}"
    );
    assert!(!folder.path.join("ready.json").exists());
}
