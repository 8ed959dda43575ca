//! The executables of a stack's functions. One `cargo build` builds all of them, because cargo
//! shares work only within one call.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    cargo::{self, CargoError, Extent},
    stack::{Code, Stack},
};

/// Why there are no executables.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo did not run, or it failed.
    #[error(transparent)]
    Cargo(#[from] CargoError),
    /// The build succeeded without the binary that the template names.
    #[error(
        "{directory} has no binary `{binary}`: name one of its binaries as `Binary` under the \
         function's `Metadata.BuildProperties`"
    )]
    NoBinary {
        /// The name in the template.
        binary: String,
        /// The root of the workspace.
        directory: String,
    },
    /// The functions' packages belong to several workspaces.
    #[error(
        "{one} and {other} are different workspaces, and the harness builds only one: put the \
         functions into one workspace"
    )]
    TwoWorkspaces {
        /// The root of one workspace.
        one: String,
        /// The root of another.
        other: String,
    },
}

/// Builds the functions and returns their executables by logical id. A `bootstrap` is returned as
/// it is. Cargo's progress and diagnostics go to standard error.
///
/// # Errors
/// Fails if a function does not build. Cargo has then printed the diagnostics.
pub async fn build(stack: &Stack, release: bool) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut executables = BTreeMap::new();
    let mut wanted = BTreeMap::new();
    for (logical_id, function) in &stack.functions {
        match &function.code {
            Code::Bootstrap(directory) => {
                executables.insert(logical_id.clone(), directory.join("bootstrap"));
            }
            Code::Cargo { binary, .. } => {
                wanted.insert(logical_id, binary.as_str());
            }
        }
    }
    let Some(workspace) = Workspace::of(stack).await? else {
        return Ok(executables);
    };

    let packages = workspace.packages.iter().collect();
    let binaries = wanted.values().copied().collect();
    let built = cargo::build(&workspace.root, &packages, &binaries, release).await?;
    for (logical_id, binary) in wanted {
        let executable = built.get(binary).ok_or_else(|| BuildError::NoBinary {
            binary: binary.to_owned(),
            directory: workspace.root.display().to_string(),
        })?;
        executables.insert(logical_id.clone(), executable.clone());
    }
    Ok(executables)
}

/// The one workspace that holds the packages of all functions.
struct Workspace {
    root: PathBuf,
    packages: Vec<cargo_metadata::PackageId>,
}

impl Workspace {
    /// Returns `None` for a stack without Rust packages.
    async fn of(stack: &Stack) -> Result<Option<Self>, BuildError> {
        let mut found: Option<cargo_metadata::Metadata> = None;
        let mut packages = Vec::new();
        for directory in stack.packages() {
            let known = found.as_ref();
            let mut package = known.and_then(|known| cargo::package_in(known, directory));
            let metadata;
            if package.is_none() {
                metadata = cargo::metadata(directory, Extent::Workspace).await?;
                if let Some(known) = known
                    && known.workspace_root != metadata.workspace_root
                {
                    return Err(BuildError::TwoWorkspaces {
                        one: known.workspace_root.to_string(),
                        other: metadata.workspace_root.to_string(),
                    });
                }
                package = cargo::package_in(&metadata, directory);
                packages.push(package.ok_or(CargoError::Failed)?.id.clone());
                found = Some(metadata);
            } else {
                packages.extend(package.map(|package| package.id.clone()));
            }
        }
        Ok(found.map(|metadata| Self {
            root: metadata.workspace_root.into(),
            packages,
        }))
    }
}
