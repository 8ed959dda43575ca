//! DynamoDB Local's files. They are fetched once from Maven Central, checked, and kept in the
//! user's cache folder.
//!
//! `amazon.sha256` lists the files that Maven resolves for
//! `software.amazon.dynamodb:DynamoDBLocal:3.3.1` with the AWS SDK at 2.54.15 (the declared 2.48.3
//! is not complete in Central), without test libraries, and with `jetty-xml` for the start. With a
//! fixed list Maven is not needed, and the checksums ensure that no unknown file is run.

use std::{
    env, io,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::{StreamExt, TryStreamExt, stream};
use tracing::info;
use uuid::Uuid;

use super::error::EngineError;
use crate::error_chain::ErrorChain;

const CENTRAL: &str = "https://repo.maven.apache.org/maven2";
/// In the form of `sha256sum`, with paths in Maven's layout.
const LIST: &str = include_str!("amazon.sha256");
/// The folder in the cache. It changes with the list.
const FOLDER: &str = "confab-harness/dynamodb-local-3.3.1";
const PARALLEL: usize = 6;
/// How long a download may make no progress.
const STALLED: Duration = Duration::from_secs(30);

struct Artifact {
    sha256: &'static str,
    path: &'static str,
}

/// Fetches the missing files, and returns the folder of all files that this machine needs.
pub(super) async fn fetch() -> Result<PathBuf, EngineError> {
    let folder = cache()?.join(FOLDER);
    tokio::fs::create_dir_all(&folder).await?;
    let native = native_library()?;
    // A file gets its name only after its checksum matched.
    let missing: Vec<_> = artifacts(native)
        .filter(|artifact| !folder.join(artifact.file_name()).exists())
        .collect();
    if missing.is_empty() {
        return Ok(folder);
    }
    info!(files = missing.len(), from = CENTRAL, to = %folder.display(), "fetching DynamoDB Local");
    let client = reqwest::Client::builder()
        .read_timeout(STALLED)
        .build()
        .map_err(|error| artifact_error(CENTRAL, &error))?;
    stream::iter(missing)
        .map(|artifact| fetch_one(&client, artifact, &folder))
        .buffer_unordered(PARALLEL)
        .try_collect::<()>()
        .await?;
    Ok(folder)
}

async fn fetch_one(
    client: &reqwest::Client,
    artifact: Artifact,
    folder: &Path,
) -> Result<(), EngineError> {
    let url = format!("{CENTRAL}/{}", artifact.path);
    let response = client
        .get(&url)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    let bytes = match response {
        Ok(response) => response.bytes().await,
        Err(error) => Err(error),
    }
    .map_err(|error| artifact_error(&url, &error))?;
    let sum: String = digest(&SHA256, &bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if sum != artifact.sha256 {
        let reason = format!("its SHA-256 is {sum} instead of {}", artifact.sha256);
        return Err(EngineError::Fetch { url, reason });
    }
    place(folder, artifact.file_name(), &bytes).await?;
    Ok(())
}

/// Writes a file in one step, because another harness may read or write it at the same time.
pub(super) async fn place(folder: &Path, name: &str, content: &[u8]) -> io::Result<PathBuf> {
    let part = folder.join(format!("{}.part", Uuid::new_v4()));
    let path = folder.join(name);
    tokio::fs::write(&part, content).await?;
    tokio::fs::rename(part, &path).await?;
    Ok(path)
}

/// Returns all files except the native libraries of other machines.
fn artifacts(native: &'static str) -> impl Iterator<Item = Artifact> {
    LIST.lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sha256, path)| Artifact { sha256, path })
        .filter(move |artifact| artifact.path.ends_with(".jar") || artifact.path.contains(native))
}

impl Artifact {
    fn file_name(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        // On macOS the loader expects the same name on every processor.
        match name {
            "libsqlite4java-osx-aarch64-1.0.392.dylib" => "libsqlite4java-osx-1.0.392.dylib",
            other => other,
        }
    }
}

fn native_library() -> Result<&'static str, EngineError> {
    match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => Ok("/libsqlite4java-linux-amd64/"),
        ("macos", "x86_64") => Ok("/libsqlite4java-osx/"),
        ("macos", "aarch64") => Ok("/libsqlite4java-osx-aarch64/"),
        (system, processor) => Err(EngineError::Platform(format!("{system} {processor}"))),
    }
}

fn cache() -> Result<PathBuf, EngineError> {
    env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "there is no home folder for a cache",
            )
            .into()
        })
}

fn artifact_error(url: &str, error: &dyn std::error::Error) -> EngineError {
    EngineError::Fetch {
        url: url.to_owned(),
        reason: ErrorChain(error).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_well_formed_and_has_one_library_for_each_machine() {
        for native in [
            "/libsqlite4java-linux-amd64/",
            "/libsqlite4java-osx/",
            "/libsqlite4java-osx-aarch64/",
        ] {
            let all: Vec<_> = artifacts(native).collect();
            assert!(all.iter().all(|artifact| artifact.sha256.len() == 64));
            assert_eq!(
                all.iter()
                    .filter(|artifact| !artifact.path.ends_with(".jar"))
                    .count(),
                1,
                "{native}"
            );
            let names: std::collections::BTreeSet<_> =
                all.iter().map(Artifact::file_name).collect();
            assert_eq!(names.len(), all.len(), "no file hides another");
        }
    }
}
