//! Builds of a stack's functions by cargo.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use harness::{
    cargo::CargoError,
    executables::{self, BuildError},
    stack::{Code, Function, Stack},
};
use tempfile::TempDir;

/// A workspace with three packages: `probe_one`, whose binary is `probe-first`; `probe_two`; and
/// `named-otherwise` in the folder `probe_three`.
struct Workspace(TempDir);

impl Workspace {
    fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for package in ["probe_one", "probe_two", "probe_three"] {
            fs::create_dir_all(root.join(package).join("src")).unwrap();
            fs::write(root.join(package).join("src/main.rs"), "fn main() {}").unwrap();
        }
        fs::write(
            root.join("Cargo.toml"),
            "workspace = { resolver = \"3\", members = [\"probe_*\"] }",
        )
        .unwrap();
        let package = |folder: &str, name: &str, rest: &str| {
            let manifest = format!("package = {{ name = \"{name}\", edition = \"2024\" }}\n{rest}");
            fs::write(root.join(folder).join("Cargo.toml"), manifest).unwrap();
        };
        package(
            "probe_one",
            "probe_one",
            "bin = [{ name = \"probe-first\", path = \"src/main.rs\" }]",
        );
        package("probe_two", "probe_two", "");
        package("probe_three", "named-otherwise", "");
        Self(folder)
    }

    async fn build(
        &self,
        functions: &[(&str, &str)],
    ) -> Result<BTreeMap<String, PathBuf>, BuildError> {
        let codes = functions.iter().map(|(package, binary)| Code::Cargo {
            directory: self.0.path().join(package),
            binary: (*binary).to_owned(),
        });
        executables::build(&stack(codes), false).await
    }
}

/// A stack of functions `F0`, `F1`, … with this code.
fn stack(codes: impl IntoIterator<Item = Code>) -> Stack {
    let functions = codes.into_iter().enumerate().map(|(n, code)| {
        let logical_id = format!("F{n}");
        let function = Function {
            logical_id: logical_id.clone(),
            name: logical_id.clone(),
            code,
            handler: "bootstrap".to_owned(),
            environment: BTreeMap::new(),
            timeout: Duration::from_secs(3),
            memory: 128,
            reserved_concurrency: None,
            asynchronous: Default::default(),
            policy: Vec::new(),
        };
        (logical_id, function)
    });
    Stack {
        functions: functions.collect(),
        ..Stack::default()
    }
}

#[tokio::test]
async fn binaries_are_built_and_found_by_the_folder_of_their_package() {
    let workspace = Workspace::create();
    let built = workspace
        .build(&[
            ("probe_one", "probe-first"),
            ("probe_two", "probe_two"),
            ("probe_three", "named-otherwise"),
        ])
        .await
        .unwrap();
    assert!(built["F0"].ends_with("probe-first") && built["F0"].is_file());
    assert!(built["F1"].ends_with("probe_two") && built["F1"].is_file());
    assert!(built["F2"].ends_with("named-otherwise") && built["F2"].is_file());
}

#[tokio::test]
async fn a_failing_build_is_an_error() {
    let workspace = Workspace::create();
    let error = workspace
        .build(&[("probe_two", "probe_four")])
        .await
        .unwrap_err();
    assert!(
        matches!(error, BuildError::Cargo(CargoError::Failed)),
        "{error}"
    );
}

#[tokio::test]
async fn a_bootstrap_is_used_without_cargo() {
    let directory = Path::new("/opt/function").to_owned();
    let built = executables::build(&stack([Code::Bootstrap(directory)]), false)
        .await
        .unwrap();
    assert_eq!(built["F0"], Path::new("/opt/function/bootstrap"));
}
