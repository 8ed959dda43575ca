//! Lock files of npm. `cargo deny` checks those of cargo.

use serde_json::Value;

use crate::sources::read;

const LOCKS: [&str; 4] = [
    "conformance/package-lock.json",
    "e2e/package-lock.json",
    "e2e/tools/package-lock.json",
    "web/package-lock.json",
];
/// The licences that are compatible with this project's own.
const LICENCES: [&str; 6] = [
    "Apache-2.0",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Python-2.0",
];

/// The registry has no list of advisories for use without a network. What can be checked without one:
/// nothing comes from elsewhere, changes, or runs when it is installed.
#[test]
fn npm_packages_come_from_the_registry_with_a_digest_and_run_nothing_when_installed() {
    for file in LOCKS {
        let lock: Value = serde_json::from_str(&read(file)).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        for (path, package) in packages.iter().filter(|(path, _)| !path.is_empty()) {
            let member = |name: &str| package[name].as_str();
            let resolved = member("resolved");
            let is_of_registry =
                resolved.is_none_or(|url| url.starts_with("https://registry.npmjs.org/"));
            assert!(is_of_registry, "{file}: {path} is from {resolved:?}");
            let digest = member("integrity").unwrap_or_default();
            assert!(
                digest.starts_with("sha512-"),
                "{file}: {path} has no digest"
            );
            let is_passive = package["hasInstallScript"] != true && package["link"] != true;
            assert!(
                is_passive,
                "{file}: {path} has an install script or is a link"
            );
            let licence = member("license").unwrap_or("none");
            assert!(LICENCES.contains(&licence), "{file}: {path} is {licence}");
        }
    }
}
