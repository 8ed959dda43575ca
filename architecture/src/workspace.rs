//! The workspace's packages and their dependencies, from `cargo metadata` and `cargo tree`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::Command,
};

use cargo_metadata::{
    Dependency, DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId,
};

use crate::sources::root;

/// All packages and their dependencies.
pub struct Workspace(Metadata);

impl Workspace {
    pub fn read() -> Self {
        let metadata = MetadataCommand::new()
            .cargo_path(env!("CARGO"))
            .current_dir(root())
            .other_options(["--locked".to_owned()])
            .exec();
        Self(metadata.unwrap_or_else(|error| panic!("cargo metadata: {error}")))
    }

    /// Returns the folders of the workspace's own packages, relative to the root, by package name.
    pub fn members(&self) -> BTreeMap<&str, PathBuf> {
        self.0
            .workspace_packages()
            .into_iter()
            .map(|package| {
                let manifest = package.manifest_path.strip_prefix(root()).unwrap();
                let folder = manifest.parent().unwrap();
                (package.name.as_str(), folder.into())
            })
            .collect()
    }

    /// Returns the dependencies in a member's manifest, of every kind.
    pub fn named(&self, member: &str) -> BTreeSet<&str> {
        self.dependencies(member, |_| true)
    }

    /// Returns the dependencies in a member's manifest, without those for tests and build scripts.
    pub fn named_to_run(&self, member: &str) -> BTreeSet<&str> {
        self.dependencies(member, |dependency| {
            dependency.kind == DependencyKind::Normal
        })
    }

    /// Returns the packages that are linked into a member, directly or not.
    pub fn linked_into(&self, member: &str) -> BTreeSet<&str> {
        let resolve = self.0.resolve.as_ref().unwrap();
        let nodes: BTreeMap<&PackageId, &Node> =
            resolve.nodes.iter().map(|node| (&node.id, node)).collect();
        let mut waiting = vec![&self.package(member).id];
        let mut found = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            for dependency in &nodes[id].deps {
                let kinds = &dependency.dep_kinds;
                let is_linked = kinds.iter().any(|it| it.kind == DependencyKind::Normal);
                if is_linked && found.insert(&dependency.pkg) {
                    waiting.push(&dependency.pkg);
                }
            }
        }
        found
            .into_iter()
            .map(|id| self.0[id].name.as_str())
            .collect()
    }

    /// Returns the features with which a package is built into a member, if the member is built
    /// alone and without its tests. Returns none if the package is not built into the member.
    /// `cargo metadata` has only the union of the features for all members.
    pub fn features_of(&self, package: &str, member: &str) -> BTreeSet<String> {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--package", member])
            .args(["--edges", "normal,build", "--prefix", "none"])
            .args(["--format", "{p} {f}"])
            .current_dir(root())
            .output()
            .unwrap();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo tree: {problem}");
        let tree = String::from_utf8(output.stdout).unwrap();
        let lines = tree
            .lines()
            .filter(|line| line.split(' ').next() == Some(package));
        // A line has a name, a version, a folder in brackets, features, and a mark if it repeats
        // an earlier line.
        let unmarked = lines.map(|line| line.trim_end_matches("(*)"));
        unmarked
            .filter_map(|line| line.rsplit_once(')'))
            .flat_map(|(_, features)| features.trim().split(','))
            .filter(|feature| !feature.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Returns the sets of features of each package from a registry, in a build of `selection` with
    /// the dependencies of these kinds. Macros, which run on the host, are left out.
    pub fn features_in(selection: &[&str], kinds: &str) -> BTreeMap<String, BTreeSet<String>> {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--prefix", "none"])
            .args(["--edges", kinds, "--edges", "no-proc-macro"])
            .args(["--format", "{p}\t{f}"])
            .args(selection)
            .current_dir(root())
            .output()
            .unwrap();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo tree: {problem}");
        let tree = String::from_utf8(output.stdout).unwrap();
        let mut found = BTreeMap::<String, BTreeSet<String>>::new();
        for (package, features) in tree.lines().filter_map(|line| line.split_once('\t')) {
            // A member has a folder in brackets after its version.
            if !package.contains(" (/") {
                let features = features.trim_end_matches("(*)").trim();
                let sets = found.entry(package.to_owned()).or_default();
                sets.insert(features.to_owned());
            }
        }
        found
    }

    fn dependencies(&self, member: &str, counts: impl Fn(&Dependency) -> bool) -> BTreeSet<&str> {
        let dependencies = self.package(member).dependencies.iter();
        dependencies
            .filter(|dependency| counts(dependency))
            .map(|dependency| dependency.name.as_str())
            .collect()
    }

    fn package(&self, member: &str) -> &Package {
        let members = self.0.workspace_packages();
        let package = members.into_iter().find(|package| package.name == member);
        package.unwrap_or_else(|| panic!("no package is called {member}"))
    }
}
