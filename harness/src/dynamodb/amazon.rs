//! Amazon's DynamoDB Local as a child process on the machine's Java.
//!
//! Its own main class listens on every interface and needs a port. Jetty's XML starter builds the
//! same server from `amazon.xml` instead: on loopback only, on a free port that it prints, until
//! its standard input ends. So it also ends if the harness is killed.
//!
//! DynamoDB Local does not verify signatures, and every program of the machine can reach its port.
//! But without its option `-sharedDb` it has separate tables for each access key. The harness makes
//! up a key and tells it to nobody: other callers see an empty database.

use std::{
    env, fs, io,
    os::unix::fs::PermissionsExt,
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
use crate::{iam::Credentials, stack::REGION};

/// The folder of its databases, inside the data folder.
const FOLDER: &str = "dynamodb-local";
/// The file in that folder with the access key of the owner of its tables.
const OWNER: &str = "owner";
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
    /// Starts the server on a free loopback port. Returns it with its URL and with the owner of its
    /// tables. Fetches it first if this machine does not have it.
    pub async fn start(data: Option<&Path>) -> Result<(Self, String, Credentials), EngineError> {
        let java = java().await?;
        let library = artifacts::fetch().await?;
        let server = artifacts::place(&library, "server.xml", SERVER.as_bytes()).await?;

        let mut command = Command::new(java);
        command
            // These halve the start, which matters more here than throughput.
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
            .arg(property("java.library.path", &library))
            .arg(property("sqlite4java.library.path", &library));
        let owner = match data {
            None => {
                command.arg("-DinMemory=true");
                Credentials::of_a_new_engine()
            }
            Some(data) => {
                let folder = data.join(FOLDER);
                tokio::fs::create_dir_all(&folder).await?;
                command.arg(property("dbPath", &folder.canonicalize()?));
                owner(&folder)?
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
                Ok((Self { child, lifeline }, endpoint, owner))
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

/// Returns the owner of the tables in `folder`. The first start makes it up, keeps it beside the
/// databases, and gives it the shared database of earlier versions of the harness.
fn owner(folder: &Path) -> io::Result<Credentials> {
    // DynamoDB Local names the file of a database after its access key.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    let file = folder.join(OWNER);
    match fs::read_to_string(&file) {
        Ok(access_key_id) => return Ok(Credentials::of_an_engine(access_key_id)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let owner = Credentials::of_a_new_engine();
    let shared = folder.join("shared-local-instance.db");
    if shared.exists() {
        let own = format!("{}_{REGION}.db", owner.access_key_id);
        fs::rename(shared, folder.join(own))?;
    }
    fs::write(file, &owner.access_key_id)?;
    Ok(owner)
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
    use serde_json::{Value, json};

    use super::*;
    use crate::dynamodb::backend::{Backend, EngineCaller, Remote};

    async fn tables(endpoint: &str, caller: EngineCaller) -> Value {
        let engine = Backend::Remote(Remote::new(endpoint, caller).unwrap());
        let answer = engine.administer("ListTables", &json!({})).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["TableNames"].clone()
    }

    #[tokio::test]
    async fn other_callers_of_its_port_see_an_empty_database() {
        let data = env::temp_dir().join(format!("harness-{}", uuid::Uuid::new_v4()));
        let create = json!({
            "TableName": "Notes",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
        });
        for start in 1..=2 {
            let (engine, endpoint, owner) = AmazonLocal::start(Some(&data)).await.unwrap();
            let owner = EngineCaller::Owner(owner);
            if start == 1 {
                let owner = Remote::new(&endpoint, owner.clone()).unwrap();
                let owner = Backend::Remote(owner);
                let created = owner.administer("CreateTable", &create).await.unwrap();
                assert_eq!(created.status, 200);
            }
            assert_eq!(tables(&endpoint, owner).await, json!(["Notes"]));
            // The key of the administrator is a published constant.
            assert_eq!(tables(&endpoint, EngineCaller::Client).await, json!([]));
            let stranger = EngineCaller::Owner(Credentials::of_a_new_engine());
            assert_eq!(tables(&endpoint, stranger).await, json!([]));
            engine.stop().await;
        }
        fs::remove_dir_all(data).unwrap();
    }

    #[tokio::test]
    async fn the_shared_database_of_earlier_versions_gets_an_owner() {
        let folder = env::temp_dir().join(format!("harness-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("shared-local-instance.db"), "tables").unwrap();
        let first = owner(&folder).unwrap();
        let own = folder.join(format!("{}_us-east-1.db", first.access_key_id));
        assert_eq!(fs::read_to_string(own).unwrap(), "tables");
        // A caller without the key has made a database, which does not become the owner's.
        fs::write(folder.join("AKIALOCALADMIN_us-east-1.db"), "foreign").unwrap();
        assert_eq!(owner(&folder).unwrap(), first);
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::remove_dir_all(folder).unwrap();
    }

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
