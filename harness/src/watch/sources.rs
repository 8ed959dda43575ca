//! What the functions of a stack are made of, on this machine: their packages and those that these depend on by path.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;

use crate::{
    executables::{BuildError, cargo},
    stack::{Code, Stack},
};

/// Folders and files whose change may change a function.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Of packages, with everything in them.
    packages: BTreeSet<PathBuf>,
    /// Of the workspace, and `bootstrap` files.
    files: BTreeSet<PathBuf>,
    /// What cargo itself writes.
    target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    manifest_path: PathBuf,
    /// Absent for packages on this machine.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `dev`, `build`, or nothing for an ordinary one.
    kind: Option<String>,
}

impl Sources {
    /// Asks cargo.
    pub async fn of(stack: &Stack) -> Result<Self, BuildError> {
        let mut sources = Self::default();
        let mut directories = BTreeSet::new();
        for function in stack.functions.values() {
            match &function.code {
                Code::Cargo { directory, .. } => {
                    directories.insert(directory.as_path());
                }
                Code::Bootstrap(directory) => {
                    sources.files.insert(directory.join("bootstrap"));
                }
            }
        }
        // All of them are in one workspace, else the first build would have failed.
        if let Some(directory) = directories.first() {
            sources.add(metadata(directory).await?, &directories);
        }
        Ok(sources)
    }

    fn add(&mut self, metadata: Metadata, directories: &BTreeSet<&Path>) {
        let folders: BTreeMap<_, _> = metadata
            .packages
            .iter()
            .filter(|package| package.source.is_none())
            .filter_map(|package| Some((package.id.as_str(), package.manifest_path.parent()?)))
            .collect();
        let dependencies: BTreeMap<_, _> = metadata
            .resolve
            .nodes
            .iter()
            .map(|node| (node.id.as_str(), &node.deps))
            .collect();
        let mut found: Vec<_> = folders
            .iter()
            .filter(|(_, folder)| directories.contains(*folder))
            .map(|(id, folder)| (*id, *folder))
            .collect();
        while let Some((id, folder)) = found.pop() {
            if self.packages.insert(folder.to_owned()) {
                let needed = dependencies
                    .get(id)
                    .into_iter()
                    .flat_map(|deps| deps.iter());
                found.extend(
                    needed
                        // What only tests need is in no function.
                        .filter(|dependency| dependency.is_compiled())
                        .filter_map(|dependency| folders.get_key_value(dependency.pkg.as_str()))
                        .map(|(id, folder)| (*id, *folder)),
                );
            }
        }
        for file in ["Cargo.toml", "Cargo.lock"] {
            self.files.insert(metadata.workspace_root.join(file));
        }
        self.target = metadata.target_directory;
    }

    /// What has to be watched, and whether with all that is below it.
    pub fn folders(&self) -> impl Iterator<Item = (&Path, bool)> {
        let packages = self.packages.iter().map(|folder| (folder.as_path(), true));
        let of_files = self
            .files
            .iter()
            .filter_map(|file| file.parent())
            // Watching it again without what is below it would end the other.
            .filter(|folder| !self.packages.contains(*folder))
            .map(|folder| (folder, false));
        packages.chain(of_files)
    }

    /// Whether a file is one of them.
    pub fn hold(&self, path: &Path) -> bool {
        let in_a_package = || {
            self.packages.iter().any(|folder| path.starts_with(folder))
                && !path.starts_with(&self.target)
        };
        self.files.contains(path) || in_a_package()
    }
}

impl Dependency {
    fn is_compiled(&self) -> bool {
        self.dep_kinds
            .iter()
            .any(|kind| kind.kind.as_deref() != Some("dev"))
    }
}

async fn metadata(directory: &Path) -> Result<Metadata, BuildError> {
    let output = cargo(directory)
        .args(["metadata", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .await?;
    serde_json::from_slice(&output.stdout)
        .ok()
        .filter(|_| output.status.success())
        .ok_or(BuildError::Failed)
}
