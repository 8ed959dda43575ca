//! Amazon's DynamoDB Local as a child process on the machine's Java.
//!
//! Its own main class listens on every interface and needs a port. Jetty's XML starter builds the
//! same server from `amazon.xml` instead: on loopback only, on a free port that it prints, until
//! its standard input ends. So it also ends if the harness is killed.

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

/// The folder of its databases, inside the data folder.
const FOLDER: &str = "dynamodb-local";
/// The server for Jetty's XML starter; see the module's documentation.
const SERVER: &str = include_str!("amazon.xml");
/// The time limit for closing its files.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct AmazonLocal {
    child: Child,
    /// Closing it ends the process.
    lifeline: ChildStdin,
}

impl AmazonLocal {
    /// Starts the server on a free loopback port and returns its URL. Fetches it first if this
    /// machine does not have it.
    pub async fn start(data: Option<&Path>) -> Result<(Self, String), EngineError> {
        let java = java().await?;
        let library = artifacts::fetch().await?;
        let server = artifacts::place(&library, "server.xml", SERVER.as_bytes()).await?;

        let mut command = Command::new(java);
        command
            // These halve the start, which matters more here than throughput.
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
            // Ctrl-C at the terminal must reach the harness only, which then ends this process.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (Some(lifeline), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(EngineError::Exited(
                "the process has no standard streams".to_owned(),
            ));
        };
        let errors = tokio::spawn(async move {
            let mut text = Vec::new();
            // After a failure, the part that was read is used.
            let _ = stderr.read_to_end(&mut text).await;
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut lines = BufReader::new(stdout).lines();
        match address(&mut lines).await {
            Some(endpoint) => {
                tokio::spawn(async move {
                    // A full pipe would block the process.
                    while let Ok(Some(line)) = lines.next_line().await {
                        debug!(line, "DynamoDB Local");
                    }
                });
                Ok((Self { child, lifeline }, endpoint))
            }
            None => {
                drop(lifeline);
                let text = errors.await.unwrap_or_default();
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
            // An error means that the process has already ended.
            let _ = self.child.kill().await;
        }
    }
}

/// Returns the URL from the line that `amazon.xml` prints when the server listens:
/// `http://localhost:PORT/`. `None` if the process ends before that.
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

/// Returns the path of `java`. Fails unless its version is at least [`OLDEST_JAVA`].
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
    let banner = String::from_utf8_lossy(&output.stderr);
    match major(&banner) {
        Some(version) if version >= OLDEST_JAVA => Ok(java),
        _ => Err(EngineError::OldJava(
            banner.lines().next().unwrap_or_default().to_owned(),
        )),
    }
}

/// Returns the major version in Java's first line: 17 in `openjdk version "17.0.15" 2025-04-15`,
/// and 1 in the old style `java version "1.8.0_292"`.
fn major(banner: &str) -> Option<u32> {
    let (_, version) = banner.split_once("version \"")?;
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
        for (banner, expected) in table {
            assert_eq!(major(banner), expected, "{banner}");
        }
    }
}
