//! From a stack's functions to executable files: one `cargo build` for all that are built, because cargo shares work
//! only within one call.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::stack::{Code, Stack};

/// Why there are no executables.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo could not be started or listened to.
    #[error("cargo could not be run, is Rust installed and on the PATH? {0}")]
    Cargo(#[from] io::Error),
    /// Cargo has said why on standard error.
    #[error("the functions do not build, see cargo's messages above")]
    Failed,
    /// The build went well, but one binary is not among its results.
    #[error(
        "{directory} has no binary `{binary}`: is `Binary` under the function's `Metadata` right?"
    )]
    NoBinary {
        /// As the template names it.
        binary: String,
        /// Of the workspace.
        directory: String,
    },
    /// The packages of the template are spread over several workspaces.
    #[error(
        "{one} and {other} are not in the same workspace, and the harness builds one workspace only"
    )]
    TwoWorkspaces {
        /// Root of the first.
        one: String,
        /// Root of another.
        other: String,
    },
}

/// The executable of each function by logical id: what cargo builds, and each `bootstrap` as it is. Cargo's progress and
/// diagnostics go to standard error as the person at the terminal knows them.
///
/// # Errors
/// If anything does not build; cargo's diagnostics have been shown then.
pub async fn build(stack: &Stack, release: bool) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut executables = BTreeMap::new();
    let mut wanted = BTreeMap::new();
    let mut directories = BTreeSet::new();
    for (logical_id, function) in &stack.functions {
        match &function.code {
            Code::Bootstrap(directory) => {
                executables.insert(logical_id.clone(), directory.join("bootstrap"));
            }
            Code::Cargo { directory, binary } => {
                wanted.insert(logical_id, binary.as_str());
                directories.insert(directory.as_path());
            }
        }
    }
    if wanted.is_empty() {
        return Ok(executables);
    }

    let (root, packages) = workspace(&directories).await?;
    let binaries = wanted.values().copied().collect();
    let built = cargo_build(&root, &packages, &binaries, release).await?;
    for (logical_id, binary) in wanted {
        let executable = built.get(binary).ok_or_else(|| BuildError::NoBinary {
            binary: binary.to_owned(),
            directory: root.display().to_string(),
        })?;
        executables.insert(logical_id.clone(), executable.clone());
    }
    Ok(executables)
}

/// What cargo says of a workspace.
#[derive(Deserialize)]
struct Workspace {
    workspace_root: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    manifest_path: PathBuf,
}

/// The root of the one workspace that holds all of them, and their ids in it.
async fn workspace(directories: &BTreeSet<&Path>) -> Result<(PathBuf, Vec<String>), BuildError> {
    let mut workspace: Option<Workspace> = None;
    let mut ids = Vec::new();
    for directory in directories {
        // Packages are found by where they are: what they are called is their own affair. One question serves all
        // packages of its answer.
        let mut id = workspace
            .as_ref()
            .and_then(|known| known.package(directory));
        if id.is_none() {
            let found = ask_cargo(directory).await?;
            id = found.package(directory);
            if let Some(known) = workspace
                .as_ref()
                .filter(|known| known.workspace_root != found.workspace_root)
            {
                return Err(BuildError::TwoWorkspaces {
                    one: known.workspace_root.display().to_string(),
                    other: found.workspace_root.display().to_string(),
                });
            }
            workspace = Some(found);
        }
        ids.push(id.ok_or(BuildError::Failed)?);
    }
    let root = workspace.ok_or(BuildError::Failed)?.workspace_root;
    Ok((root, ids))
}

impl Workspace {
    fn package(&self, directory: &Path) -> Option<String> {
        // Cargo resolves links, and templates need not.
        let directory = directory.canonicalize().ok()?;
        let here = |package: &&Package| {
            let folder = package.manifest_path.parent();
            folder.and_then(|folder| folder.canonicalize().ok()) == Some(directory.clone())
        };
        self.packages
            .iter()
            .find(here)
            .map(|package| package.id.clone())
    }
}

async fn ask_cargo(directory: &Path) -> Result<Workspace, BuildError> {
    let output = cargo(directory)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .await?;
    serde_json::from_slice(&output.stdout)
        .ok()
        .filter(|_| output.status.success())
        .ok_or(BuildError::Failed)
}

/// The executables by binary.
async fn cargo_build(
    workspace: &Path,
    packages: &[String],
    binaries: &BTreeSet<&str>,
    release: bool,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut command = cargo(workspace);
    command.args(["build", "--message-format", "json-render-diagnostics"]);
    // Exactly these packages: others would add their features to the dependencies, and what runs here would not be what
    // is deployed.
    for package in packages {
        command.args(["--package", package]);
    }
    for binary in binaries {
        command.args(["--bin", binary]);
    }
    if release {
        command.arg("--release");
    }
    let mut child = command.stdout(Stdio::piped()).process_group(0).spawn()?;
    let mut group = ProcessGroup::of(&child);
    let mut built = BTreeMap::new();
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            built.extend(executable(&line));
        }
    }
    let status = child.wait().await?;
    group.has_ended();
    if status.success() {
        Ok(built)
    } else {
        Err(BuildError::Failed)
    }
}

/// A running cargo with its compilers, which are ended together if nobody waits for them any more.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    /// Of a child that leads a group of its own.
    fn of(child: &Child) -> Self {
        Self(
            child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .map(Pid::from_raw),
        )
    }

    fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Whoever of them is gone already needs no signal.
            let _ = killpg(leader, Signal::SIGTERM);
        }
    }
}

/// Cargo in a folder, without standard input.
pub(crate) fn cargo(directory: &Path) -> Command {
    // Set for what cargo runs, so that `cargo +TOOLCHAIN dev` builds the functions with the same toolchain.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// Name and file of the binary that one line of cargo's messages reports as built.
fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let executable = message.get("executable")?.as_str()?;
    let target = message.get("target")?;
    let is_binary = target
        .get("kind")?
        .as_array()?
        .iter()
        .any(|kind| kind == "bin");
    let name = target.get("name")?.as_str()?;
    is_binary.then(|| (name.to_owned(), PathBuf::from(executable)))
}
