//! A mapping that is read property by property. Properties that are still unread at the end are not
//! supported and are reported as problems.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    problem::{Place, Problem, Problems},
    scope::Scope,
    yaml::{Content, Entry, Node},
};

/// The unread part of a mapping.
pub(super) struct Properties<'a> {
    /// The name in messages, for example `ChatApi` or `ChatApi.Auth`.
    owner: String,
    at: Place,
    /// `None` where CloudFormation allows no intrinsic functions.
    scope: Option<&'a Scope>,
    entries: Vec<Entry>,
    read: BTreeSet<String>,
}

impl<'a> Properties<'a> {
    /// Reads a mapping whose values may be intrinsic functions. They are evaluated on access.
    pub(super) fn resolving(owner: &str, node: &Node, scope: &'a Scope) -> Result<Self, Problem> {
        // The mapping itself may be an intrinsic function, for example an `If`.
        let whole = match &node.content {
            Content::Intrinsic { .. } => scope.resolve(node)?,
            _ => Some(node.clone()),
        };
        let mut properties = match whole {
            Some(whole) => Self::plain(owner, &whole)?,
            None => Self::empty(owner, node.at),
        };
        properties.scope = Some(scope);
        Ok(properties)
    }

    /// Reads a mapping without intrinsic functions.
    pub(super) fn plain(owner: &str, node: &Node) -> Result<Self, Problem> {
        let mut properties = Self::empty(owner, node.at);
        if !node.is_null() {
            properties.entries = node.entries()?.to_vec();
        }
        Ok(properties)
    }

    /// Returns an empty mapping in place of a missing one.
    pub(super) fn empty(owner: &str, at: Place) -> Self {
        Self {
            owner: owner.to_owned(),
            at,
            scope: None,
            entries: Vec::new(),
            read: BTreeSet::new(),
        }
    }

    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    pub(super) fn at(&self) -> Place {
        self.at
    }

    /// Whether the property is written in the template.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == name)
    }

    /// Returns the evaluated value, or `None` if it is missing, null or `AWS::NoValue`.
    pub(super) fn optional(&mut self, name: &str) -> Result<Option<Node>, Problem> {
        self.read.insert(name.to_owned());
        let Some(entry) = self.entries.iter().find(|entry| entry.key == name) else {
            return Ok(None);
        };
        self.value(entry)
    }

    /// Returns the evaluated value of an entry, or `None` if it is null or `AWS::NoValue`.
    fn value(&self, entry: &Entry) -> Result<Option<Node>, Problem> {
        let value = match self.scope {
            Some(scope) => scope.resolve(&entry.value)?,
            None => Some(entry.value.clone()),
        };
        Ok(value.filter(|node| !node.is_null()))
    }

    /// Returns the evaluated items of a list, or a single value as a list of one. A problem of one
    /// item does not hide those of others.
    pub(super) fn items(&mut self, name: &str) -> Vec<Result<Node, Problem>> {
        self.read.insert(name.to_owned());
        let Some(entry) = self.entries.iter().find(|entry| entry.key == name) else {
            return Vec::new();
        };
        let resolve = |node: &Node| match self.scope {
            Some(scope) => scope.resolve(node),
            None => Ok(Some(node.clone())),
        };
        let each = |node: &Node| {
            let nodes = node.items().iter().map(resolve);
            nodes.filter_map(Result::transpose).collect()
        };
        match &entry.value.content {
            // The list itself may be an intrinsic function, for example an `If`.
            Content::Intrinsic { .. } => match resolve(&entry.value) {
                Ok(Some(whole)) => whole.items().iter().cloned().map(Ok).collect(),
                Ok(None) => Vec::new(),
                Err(problem) => vec![Err(problem)],
            },
            _ if entry.value.is_null() => Vec::new(),
            _ => each(&entry.value),
        }
    }

    /// Returns the mapping under an entry, which the caller finishes separately.
    fn mapping(&self, entry: &Entry) -> Result<Properties<'a>, Problem> {
        let owner = format!("{}.{}", self.owner, entry.key);
        match self.scope {
            Some(scope) => Properties::resolving(&owner, &entry.value, scope),
            None => Properties::plain(&owner, &entry.value),
        }
    }

    pub(super) fn required(&mut self, name: &str) -> Result<Node, Problem> {
        self.optional(name)?
            .ok_or_else(|| Problem::at(self.at, format!("{}: {name} is missing", self.owner)))
    }

    /// Fails if the property is missing or not one of `accepted`.
    pub(super) fn required_one_of(&mut self, name: &str, accepted: &[&str]) -> Result<(), Problem> {
        self.required(name)?.one_of(accepted)
    }

    /// Fails if the property is present and not one of `accepted`. Returns whether it is present.
    pub(super) fn optional_one_of(
        &mut self,
        name: &str,
        accepted: &[&str],
    ) -> Result<bool, Problem> {
        match self.optional(name)? {
            Some(node) => node.one_of(accepted).map(|()| true),
            None => Ok(false),
        }
    }

    /// Returns a mapping within this one, which the caller finishes separately.
    pub(super) fn nested(&mut self, name: &str) -> Result<Option<Properties<'a>>, Problem> {
        self.read.insert(name.to_owned());
        let entry = self.entries.iter().find(|entry| entry.key == name);
        entry.map(|entry| self.mapping(entry)).transpose()
    }

    /// Returns all keys with the mappings under them, which the caller finishes separately.
    pub(super) fn each(self, problems: &mut Problems) -> Vec<(String, Place, Properties<'a>)> {
        let mapping = |entry: &Entry| {
            let nested = problems.keep(self.mapping(entry))?;
            Some((entry.key.clone(), entry.at, nested))
        };
        self.entries.iter().filter_map(mapping).collect()
    }

    /// Returns a mapping of texts, for example environment variables.
    pub(super) fn texts(
        &mut self,
        name: &str,
        problems: &mut Problems,
    ) -> Option<BTreeMap<String, String>> {
        let nested = self.nested(name);
        let Some(nested) = problems.keep(nested)? else {
            return Some(BTreeMap::new());
        };
        // All values are read, since each may have a problem.
        let mut texts = Some(BTreeMap::new());
        for entry in &nested.entries {
            let text = nested.value(entry).and_then(|value| {
                value
                    .map(|value| value.text().map(str::to_owned))
                    .transpose()
            });
            match problems.keep(text) {
                None => texts = None,
                Some(None) => {}
                Some(Some(text)) => {
                    if let Some(texts) = &mut texts {
                        texts.insert(entry.key.clone(), text);
                    }
                }
            }
        }
        texts
    }

    /// Returns a text, or `None` if it is missing.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.optional(name)? {
            Some(node) => Ok(Some(node.text()?.to_owned())),
            None => Ok(None),
        }
    }

    /// Accepts properties that have no effect on a local run. Their values are not read.
    pub(super) fn without_effect(&mut self, names: &[&str]) {
        self.read
            .extend(names.iter().map(|name| (*name).to_owned()));
    }

    /// Accepts all properties, since they have no meaning after another problem.
    pub(super) fn without_meaning(&mut self) {
        let keys = self.entries.iter().map(|entry| entry.key.clone());
        self.read.extend(keys);
    }

    /// Reports each property that is still unread.
    pub(super) fn finish(self, problems: &mut Problems) {
        for entry in &self.entries {
            if !self.read.contains(&entry.key) {
                problems.add(Problem::at(
                    entry.at,
                    format!(
                        "{}: the harness does not support {}, so a local run would differ from AWS: remove it",
                        self.owner, entry.key
                    ),
                ));
            }
        }
    }
}
