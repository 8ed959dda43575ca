//! The source files of a stack's functions on this machine: their packages, and the packages that
//! these depend on by path.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, NodeDep};

use crate::{
    cargo::{self, CargoError, Extent},
    stack::{Code, Stack},
};

/// Folders and files whose change may change a function.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// The folders of packages; everything below them counts.
    packages: BTreeSet<PathBuf>,
    /// The workspace's own files, and `bootstrap` files.
    files: BTreeSet<PathBuf>,
    /// The folder that cargo writes to.
    target: PathBuf,
}

impl Sources {
    /// Asks cargo for the sources of `stack`.
    pub async fn of(stack: &Stack) -> Result<Self, CargoError> {
        let mut sources = Self::default();
        for function in stack.functions.values() {
            if let Code::Bootstrap(directory) = &function.code {
                sources.files.insert(directory.join("bootstrap"));
            }
        }
        let packages = stack.packages();
        // All packages are in one workspace, or the first build would have failed.
        if let Some(directory) = packages.first() {
            let metadata = cargo::metadata(directory, Extent::Dependencies).await?;
            sources.add(&metadata, &packages);
        }
        Ok(sources)
    }

    fn add(&mut self, metadata: &Metadata, directories: &BTreeSet<&Path>) {
        // Packages without a source are on this machine.
        let folders: BTreeMap<_, _> = metadata
            .packages
            .iter()
            .filter(|package| package.source.is_none())
            .filter_map(|package| Some((&package.id, package.manifest_path.parent()?)))
            .collect();
        let dependencies: BTreeMap<_, _> = metadata
            .resolve
            .iter()
            .flat_map(|resolve| &resolve.nodes)
            .map(|node| (&node.id, &node.deps))
            .collect();
        let mut found: Vec<_> = directories
            .iter()
            .filter_map(|directory| cargo::package_in(metadata, directory))
            .map(|package| &package.id)
            .collect();
        while let Some(id) = found.pop() {
            let Some(folder) = folders.get(id) else {
                continue;
            };
            if self.packages.insert(folder.as_std_path().to_owned()) {
                let dependencies = dependencies.get(id).into_iter().copied().flatten();
                found.extend(
                    dependencies
                        .filter(|dependency| is_compiled(dependency))
                        .map(|dependency| &dependency.pkg),
                );
            }
        }
        for file in ["Cargo.toml", "Cargo.lock"] {
            self.files.insert(metadata.workspace_root.join(file).into());
        }
        self.target = metadata.target_directory.clone().into();
    }

    /// Returns the folders to watch, and for each whether its subfolders are watched, too.
    pub fn folders(&self) -> impl Iterator<Item = (&Path, bool)> {
        let packages = self.packages.iter().map(|folder| (folder.as_path(), true));
        let of_files = self
            .files
            .iter()
            .filter_map(|file| file.parent())
            // Watching a folder again without its subfolders would replace the first watch.
            .filter(|folder| !self.packages.contains(*folder))
            .map(|folder| (folder, false));
        packages.chain(of_files)
    }

    /// Whether a change of `path` may change a function.
    pub fn contains(&self, path: &Path) -> bool {
        let in_a_package = || {
            self.packages.iter().any(|folder| path.starts_with(folder))
                && !path.starts_with(&self.target)
        };
        self.files.contains(path) || in_a_package()
    }
}

/// Whether the dependency is part of the executable. Dependencies of tests are not.
fn is_compiled(dependency: &NodeDep) -> bool {
    dependency
        .dep_kinds
        .iter()
        .any(|kind| kind.kind != DependencyKind::Development)
}
