//! `CodeUri` and `Metadata` of a function: where its executable comes from.

use std::path::{Component, Path, PathBuf};

use super::{
    problem::{Problem, Problems},
    properties::Properties,
    resource::Resource,
};
use crate::stack::Code;

/// Finds out where the executable of a function comes from.
pub(super) fn read(
    resource: &Resource,
    properties: &mut Properties<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> Result<Code, Problem> {
    let uri = properties.required("CodeUri")?;
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
            // The binaries of a workspace are built into one folder, and SAM finds one by this name.
            let mut build = build.ok_or_else(|| {
                Problem::at(
                    method.at,
                    "BuildProperties.Binary is missing: set it to the name of the binary",
                )
            })?;
            let binary = build.required("Binary")?.text()?.to_owned();
            build.finish(problems);
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
