//! Runs cargo: `cargo metadata` and `cargo build`. Their output is all that the harness knows about
//! Rust packages.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use cargo_metadata::{Message, Metadata, MetadataCommand, Package, PackageId};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// Why cargo has no result.
#[derive(Debug, thiserror::Error)]
pub enum CargoError {
    /// Cargo could not be started, or its output could not be read.
    #[error("cannot run cargo: {0}; install Rust and put cargo on the PATH")]
    Run(#[from] io::Error),
    /// Cargo failed. It has printed the reason to standard error.
    #[error("the functions do not build, see cargo's messages above")]
    Failed,
}

/// Which packages `cargo metadata` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Those of the workspace.
    Workspace,
    /// Those of the workspace and all their dependencies.
    Dependencies,
}

/// Returns the metadata of the workspace that holds `directory`.
pub(crate) async fn metadata(directory: &Path, extent: Extent) -> Result<Metadata, CargoError> {
    let mut command = cargo(directory);
    command.args(["metadata", "--format-version", "1"]);
    if extent == Extent::Workspace {
        command.arg("--no-deps");
    }
    let output = command.stderr(Stdio::inherit()).output().await?;
    serde_json::from_slice(&output.stdout)
        .ok()
        .filter(|_| output.status.success())
        .ok_or(CargoError::Failed)
}

/// Returns the names of the binaries of the package in `directory`. Blocks until cargo has ended.
///
/// # Errors
/// Fails with cargo's message, or if the folder holds no package of its workspace.
pub(crate) fn binaries(directory: &Path) -> Result<Vec<String>, String> {
    let metadata = MetadataCommand::new()
        .current_dir(directory)
        .no_deps()
        .exec()
        .map_err(|error| error.to_string())?;
    let package = package_in(&metadata, directory)
        .ok_or_else(|| format!("{} is not a package of its workspace", directory.display()))?;
    let binaries = package.targets.iter().filter(|target| target.is_bin());
    Ok(binaries.map(|target| target.name.clone()).collect())
}

/// Returns the package in `directory`, if it is one of the workspace.
///
/// Packages are found by their folder: a template names folders, and a package may have another
/// name than its folder.
pub(crate) fn package_in<'a>(metadata: &'a Metadata, directory: &Path) -> Option<&'a Package> {
    // Cargo resolves symbolic links, the template does not.
    let directory = directory.canonicalize().ok()?;
    metadata.packages.iter().find(|package| {
        let folder = package.manifest_path.parent();
        folder.and_then(|folder| folder.canonicalize().ok()) == Some(directory.clone())
    })
}

/// Builds `binaries` of `packages` and returns the executables by the names of the binaries.
pub(crate) async fn build(
    workspace: &Path,
    packages: &BTreeSet<&PackageId>,
    binaries: &BTreeSet<&str>,
    release: bool,
) -> Result<BTreeMap<String, PathBuf>, CargoError> {
    let mut command = cargo(workspace);
    command.args(["build", "--message-format", "json-render-diagnostics"]);
    // Exactly these packages: others would add features to the dependencies, and the executables
    // would differ from the deployed ones.
    for package in packages {
        command.args(["--package", &package.repr]);
    }
    for binary in binaries {
        command.args(["--bin", binary]);
    }
    if release {
        command.arg("--release");
    }
    let mut child = command.stdout(Stdio::piped()).process_group(0).spawn()?;
    let mut group = ProcessGroup::led_by(&child);
    let mut built = BTreeMap::new();
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            built.extend(built_binary(&line));
        }
    }
    let status = child.wait().await?;
    group.ended();
    if status.success() {
        Ok(built)
    } else {
        Err(CargoError::Failed)
    }
}

/// Returns the name and the file of a binary, if this line of cargo's output reports one.
fn built_binary(line: &str) -> Option<(String, PathBuf)> {
    match serde_json::from_str(line).ok()? {
        Message::CompilerArtifact(artifact) if artifact.target.is_bin() => {
            Some((artifact.target.name, artifact.executable?.into()))
        }
        _ => None,
    }
}

fn cargo(directory: &Path) -> Command {
    // Cargo sets CARGO for the programs it runs, so `cargo +TOOLCHAIN dev` builds the functions
    // with the same toolchain.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// A running cargo with its compilers. They are terminated together when this is dropped early.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    /// Returns the group of a child that was started as the leader of its own group.
    fn led_by(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.map(Pid::from_raw))
    }

    fn ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Fails if all of them have ended already.
            let _ = killpg(leader, Signal::SIGTERM);
        }
    }
}
