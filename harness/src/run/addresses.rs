//! The addresses of all services: for the terminal, for the ready file, and for the functions.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{
    service::{Address, Setup},
    services::{LAMBDA, SERVICES},
};
use crate::iam::{ADMIN_ACCESS_KEY_ID, ADMIN_SECRET_ACCESS_KEY};

/// The least width of the names on the terminal, in characters.
const LABEL: usize = 13;

/// The addresses of a stack, in the order of [`SERVICES`].
#[derive(Clone, Debug)]
pub(super) struct Addresses(Vec<Address>);

impl Addresses {
    pub fn of(setup: &Setup) -> Self {
        let of_each = SERVICES
            .iter()
            .flat_map(|service| (service.addresses)(setup));
        Self(of_each.collect())
    }

    fn url(&self, key: &str) -> Option<&str> {
        let address = self.0.iter().find(|address| address.key == key);
        address.map(|address| address.url.as_str())
    }

    /// Returns the variables that keep the AWS clients of every function on this machine.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let lambda = self.url(LAMBDA.name).unwrap_or_default();
        let variables = SERVICES.iter().flat_map(|service| service.variables);
        variables
            .map(|(variable, key)| {
                let url = self.url(key).unwrap_or(lambda);
                ((*variable).to_owned(), url.to_owned())
            })
            .collect()
    }

    /// Returns the content of the ready file: the addresses, and the administrator's key for AWS
    /// clients. The key is no secret, since it is valid for this stack only.
    fn ready(&self) -> BTreeMap<&str, &str> {
        let mut ready: BTreeMap<_, _> = self
            .0
            .iter()
            .map(|address| (address.key.as_str(), address.url.as_str()))
            .collect();
        ready.insert("accessKeyId", ADMIN_ACCESS_KEY_ID);
        ready.insert("secretAccessKey", ADMIN_SECRET_ACCESS_KEY);
        ready
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.0.iter().map(|address| address.label.len()).max();
        let width = longest.unwrap_or_default().max(LABEL);
        for address in &self.0 {
            let Address {
                label, url, suffix, ..
            } = address;
            writeln!(f, "  {label:<width$} {url}{suffix}")?;
        }
        Ok(())
    }
}

/// The ready file. It exists while everything listens: dropping this removes it.
#[derive(Debug)]
pub(super) struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Writes the file at `path` in one step, so that no reader sees a part of it.
    ///
    /// # Errors
    /// Fails if the folder is not writable.
    pub fn write(path: &Path, addresses: &Addresses) -> io::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let unfinished = PathBuf::from(name);
        let json = serde_json::to_vec(&addresses.ready())?;
        let written = fs::write(&unfinished, json).and_then(|()| fs::rename(&unfinished, path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written.map(|()| Self(path.to_owned()))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Fails if another program has removed the file already, which is fine.
        let _ = fs::remove_file(&self.0);
    }
}
