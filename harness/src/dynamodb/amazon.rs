//! Amazon's DynamoDB Local as a child process on the machine's Java.
//!
//! Its own main class listens on every interface and wants to be told a port. Jetty's XML starter builds the same
//! server from `amazon.xml` instead: on loopback only, on a free port that it prints, until its standard input ends.
//! So it also ends if the harness is killed.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};
use tracing::debug;

use super::{
    artifacts,
    error::{EngineError, OLDEST_JAVA},
};

/// Its databases inside the data folder.
const FOLDER: &str = "dynamodb-local";
/// What to build and run; see the module's documentation.
const SERVER: &str = include_str!("amazon.xml");
/// How long it may take to close its files.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct AmazonLocal {
    child: Child,
    /// Closing it ends the process.
    lifeline: ChildStdin,
}

impl AmazonLocal {
    /// Fetches it unless that was done before, and starts it on a free loopback port; also returns where.
    pub async fn start(data: Option<&Path>) -> Result<(Self, String), EngineError> {
        let java = java().await?;
        let library = artifacts::fetch().await?;
        let server = artifacts::place(&library, "server.xml", SERVER.as_bytes()).await?;

        let mut command = Command::new(java);
        command
            // A quick start matters more here than the last bit of throughput: this halves it.
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
            .arg(property("java.library.path", &library))
            .arg(property("sqlite4java.library.path", &library));
        match data {
            None => command.arg("-DinMemory=true"),
            Some(data) => {
                let folder = data.join(FOLDER);
                tokio::fs::create_dir_all(&folder).await?;
                command.arg(property("dbPath", &folder.canonicalize()?))
            }
        };
        let mut child = command
            .arg("-classpath")
            .arg(library.join("*"))
            .arg("org.eclipse.jetty.xml.XmlConfiguration")
            .arg(server)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // The terminal's Ctrl-C is for the harness, which ends it in its turn.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (Some(lifeline), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(EngineError::Exited("it has no standard streams".to_owned()));
        };
        let complaints = tokio::spawn(async move {
            let mut text = Vec::new();
            // What could be read is what there is to say.
            let _ = stderr.read_to_end(&mut text).await;
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut lines = BufReader::new(stdout).lines();
        match address(&mut lines).await {
            Some(endpoint) => {
                tokio::spawn(async move {
                    // A full pipe would block it.
                    while let Ok(Some(line)) = lines.next_line().await {
                        debug!(line, "DynamoDB Local");
                    }
                });
                Ok((Self { child, lifeline }, endpoint))
            }
            None => {
                drop(lifeline);
                let text = complaints.await.unwrap_or_default();
                let reason = text
                    .lines()
                    .find(|line| line.contains("Exception"))
                    .unwrap_or(&text);
                Err(EngineError::Exited(reason.trim().to_owned()))
            }
        }
    }

    pub async fn stop(mut self) {
        drop(self.lifeline);
        if timeout(GRACE, self.child.wait()).await.is_err() {
            // An error means that it has ended at last.
            let _ = self.child.kill().await;
        }
    }
}

/// The line that `amazon.xml` prints once the server listens: `http://localhost:PORT/`. Nothing if it ends before.
async fn address(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(port) = line.trim_end_matches('/').strip_prefix("http://localhost:") {
            return Some(format!("http://127.0.0.1:{port}"));
        }
    }
    None
}

fn property(name: &str, path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(format!("-D{name}="));
    argument.push(path);
    argument
}

/// A Java that is new enough.
async fn java() -> Result<PathBuf, EngineError> {
    let java = env::var_os("JAVA_HOME").map_or_else(
        || "java".into(),
        |home| PathBuf::from(home).join("bin/java"),
    );
    let output = Command::new(&java)
        .arg("-version")
        .output()
        .await
        .map_err(|_| EngineError::NoJava)?;
    let said = String::from_utf8_lossy(&output.stderr);
    match major(&said) {
        Some(version) if version >= OLDEST_JAVA => Ok(java),
        _ => Err(EngineError::OldJava(
            said.lines().next().unwrap_or_default().to_owned(),
        )),
    }
}

/// 17 in `openjdk version "17.0.15" 2025-04-15`; 1 in the old style, `java version "1.8.0_292"`.
fn major(said: &str) -> Option<u32> {
    let (_, version) = said.split_once("version \"")?;
    version
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn versions_of_java_are_read() {
        let table = [
            (
                "openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime",
                Some(17),
            ),
            ("openjdk version \"21\" 2023-09-19", Some(21)),
            ("openjdk version \"26-ea\" 2026-03-17", Some(26)),
            ("java version \"1.8.0_292\"", Some(1)),
            ("The operation couldn’t be completed.", None),
        ];
        for (said, expected) in table {
            assert_eq!(major(said), expected, "{said}");
        }
    }
}
