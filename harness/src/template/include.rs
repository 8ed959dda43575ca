//! `Fn::Transform` with `AWS::Include`: files that are parts of the template. SAM uploads local
//! files at the deployment; the harness reads them.

use std::{fs, path::Path};

use super::{
    problem::{Place, Problem, Problems},
    yaml::{self, Content, Node},
};

/// Replaces each inclusion below `node` by the content of its file. Paths are relative to `folder`.
pub(super) fn files(node: &mut Node, folder: &Path, problems: &mut Problems) {
    if let Some(location) = location(node) {
        match problems.keep(file(location, folder)) {
            Some(included) => *node = included,
            // Nothing is reported about the content.
            None => node.content = Content::Map(Vec::new()),
        }
        return;
    }
    match &mut node.content {
        Content::Scalar { .. } => {}
        Content::List(items) => items
            .iter_mut()
            .for_each(|item| files(item, folder, problems)),
        Content::Map(entries) => entries
            .iter_mut()
            .for_each(|entry| files(&mut entry.value, folder, problems)),
        Content::Intrinsic { argument, .. } => files(argument, folder, problems),
    }
}

/// Returns the node with the location, if `node` is an inclusion of a constant file.
fn location(node: &Node) -> Option<&Node> {
    let Content::Intrinsic { name, argument } = &node.content else {
        return None;
    };
    let is_include = argument.get("Name")?.text() == Ok("AWS::Include");
    let location = argument.get("Parameters")?.get("Location")?;
    (name == "Transform" && is_include && location.text().is_ok()).then_some(location)
}

/// Reads a file. Everything in it has the place of its location, since messages name the template.
fn file(location: &Node, folder: &Path) -> Result<Node, Problem> {
    let name = location.text()?;
    if name.starts_with("s3://") {
        return Err(Problem::at(
            location.at,
            format!(
                "the harness reads no templates from S3, so not {name}: use a file of this machine"
            ),
        ));
    }
    let text = fs::read_to_string(folder.join(name))
        .map_err(|error| Problem::at(location.at, format!("cannot read {name}: {error}")))?;
    let mut node = yaml::parse(&text).map_err(|problem| problem.in_file(name, location.at))?;
    relocate(&mut node, location.at);
    Ok(node)
}

fn relocate(node: &mut Node, at: Place) {
    node.at = at;
    match &mut node.content {
        Content::Scalar { .. } => {}
        Content::List(items) => items.iter_mut().for_each(|item| relocate(item, at)),
        Content::Map(entries) => {
            for entry in entries {
                entry.at = at;
                relocate(&mut entry.value, at);
            }
        }
        Content::Intrinsic { argument, .. } => relocate(argument, at),
    }
}
