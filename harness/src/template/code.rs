//! `CodeUri` and `Metadata` of a function: where its executable comes from.

use std::path::{Component, Path, PathBuf};

use super::{
    problem::{Problem, Problems},
    properties::Properties,
    resource::{Kind, Resource},
};
use crate::{cargo, stack::Code};

/// Finds out where the executable of a function comes from.
pub(super) fn read(
    resource: &Resource,
    properties: &mut Properties<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> Result<Code, Problem> {
    let uri = match resource.kind {
        Kind::PlainFunction => properties.required("Code")?,
        _ => properties.required("CodeUri")?,
    };
    if uri.text().is_err() {
        return Err(uri.expected("the path of a folder on this machine"));
    }
    let directory = normalized(&folder.join(uri.text()?));
    let mut metadata = match &resource.metadata {
        Some(node) => Properties::plain(&format!("{}.Metadata", resource.logical_id), node)?,
        None => Properties::empty(&resource.logical_id, resource.at),
    };
    let method = metadata.optional("BuildMethod")?;
    let build = metadata.nested("BuildProperties")?;
    match method {
        Some(method) if method.text()? == "rust-cargolambda" => {
            if !directory.join("Cargo.toml").is_file() {
                return Err(Problem::at(
                    uri.at,
                    format!(
                        "{} has no Cargo.toml: set CodeUri to the folder of a Rust package",
                        directory.display()
                    ),
                ));
            }
            let mut named = None;
            if let Some(mut build) = build {
                named = build.optional("Binary")?;
                build.finish(problems);
            }
            let binary = match named {
                Some(binary) => binary.text()?.to_owned(),
                None => only_binary(&directory).map_err(|text| Problem::at(method.at, text))?,
            };
            Ok(Code::Cargo { directory, binary })
        }
        Some(method) => Err(method.expected("rust-cargolambda")),
        None if directory.join("bootstrap").is_file() => Ok(Code::Bootstrap(directory)),
        None => Err(Problem::at(
            uri.at,
            format!(
                "{} has no file `bootstrap`: add one, or set Metadata.BuildMethod to rust-cargolambda",
                directory.display()
            ),
        )),
    }
}

/// Returns the binary of a package that has exactly one.
fn only_binary(directory: &Path) -> Result<String, String> {
    let binaries = cargo::binaries(directory)?;
    match binaries.as_slice() {
        [] => Err(format!(
            "{} has no binary: add a src/main.rs",
            directory.display()
        )),
        [only] => Ok(only.clone()),
        several => Err(format!(
            "BuildProperties.Binary is missing, and the package has the binaries {}: choose one",
            several.join(", ")
        )),
    }
}

/// Removes `.` and `..` from the path, for readable messages. Symbolic links are not followed.
fn normalized(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}
