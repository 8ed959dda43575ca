//! Checks that a dependency is compiled once: it has the same features in each program as in the
//! tests of the whole workspace.

use crate::workspace::Workspace;

#[test]
fn dependencies_have_the_same_features_in_all_builds() {
    let workspace = Workspace::read();
    let members = workspace.members();
    let functions = members
        .iter()
        .filter(|(_, folder)| folder.starts_with("functions"))
        .flat_map(|(name, _)| ["--package", name]);
    let functions: Vec<&str> = functions.collect();
    let everything = Workspace::features_in(&["--workspace"], "normal,dev");
    let builds = [
        &["--package", "harness"][..],
        &["--package", "function"],
        &functions,
    ];
    let mut differences = Vec::new();
    for build in builds {
        for (package, sets) in Workspace::features_in(build, "normal") {
            let all = &everything[&package];
            if !sets.is_subset(all) {
                differences.push(format!("{package}: {sets:?} in {build:?}, {all:?} in all"));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "name the missing features in workspace-hack/Cargo.toml, so that these packages are not \
         compiled twice:\n{}",
        differences.join("\n")
    );
}
