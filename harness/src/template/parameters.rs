//! The `Parameters` section and where a local run's values come from: the command line wins over the template's own
//! `Metadata.Harness.Parameters`, which wins over the defaults.

use std::collections::BTreeMap;

use super::{
    Local,
    problem::{Problem, Problems},
    properties::Properties,
    yaml::{Entry, Node},
};

/// What `Ref` gives for a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Text(String),
    /// Of a `CommaDelimitedList` or `List<Number>`.
    List(Vec<String>),
}

/// Values by name. A parameter without any is noted as a problem.
pub(super) fn read(
    root: &Node,
    local: &Local,
    overrides: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> BTreeMap<String, Given> {
    let declared = section(root.get("Parameters"), problems);
    let names = || {
        let names: Vec<_> = declared.iter().map(|entry| entry.key.as_str()).collect();
        names.join(", ")
    };
    for name in overrides.keys() {
        if !declared.iter().any(|entry| entry.key == *name) {
            problems.add(Problem::elsewhere(format!(
                "--parameter-overrides {name}: the template has no such parameter, it has {}",
                names()
            )));
        }
    }

    let mut for_local_runs = BTreeMap::new();
    for entry in section(harness_parameters(root), problems) {
        if !declared.iter().any(|parameter| parameter.key == entry.key) {
            problems.add(Problem::at(
                entry.at,
                format!(
                    "Metadata.Harness: the template has no parameter {}, it has {}",
                    entry.key,
                    names()
                ),
            ));
        } else if let Some(text) = problems.keep(local.fill(&entry.value)) {
            for_local_runs.insert(entry.key.as_str(), text);
        }
    }

    let mut values = BTreeMap::new();
    for entry in declared {
        let outside = overrides
            .get(&entry.key)
            .or_else(|| for_local_runs.get(entry.key.as_str()));
        let value = value(entry, outside, problems);
        if let Some(value) = problems.keep(value) {
            values.insert(entry.key.clone(), value);
        }
    }
    values
}

fn harness_parameters(root: &Node) -> Option<&Node> {
    root.get("Metadata")?.get("Harness")?.get("Parameters")
}

fn section<'a>(node: Option<&'a Node>, problems: &mut Problems) -> &'a [Entry] {
    node.filter(|node| !node.is_null())
        .and_then(|node| problems.keep(node.entries()))
        .unwrap_or_default()
}

/// `outside` is the value that does not come from the parameter's own declaration.
fn value(
    declared: &Entry,
    outside: Option<&String>,
    problems: &mut Problems,
) -> Result<Given, Problem> {
    let name = &declared.key;
    let mut properties = Properties::plain(name, &declared.value)?;
    let kind = properties.required("Type")?;
    let default = properties.optional("Default")?;
    let rules = Rules::read(&mut properties)?;
    // They say how a deployment asks for the value. A pattern can only refuse values, and a deployment does so before it
    // changes anything.
    properties.without_effect(&[
        "Description",
        "NoEcho",
        "ConstraintDescription",
        "AllowedPattern",
    ]);
    properties.finish(problems);

    let text = match (outside, &default) {
        (Some(text), _) => text.clone(),
        (None, Some(default)) => default.text()?.to_owned(),
        (None, None) => {
            return Err(Problem::at(
                declared.at,
                format!(
                    "{name} has no value for a local run: give it a Default, a line under Metadata.Harness.Parameters, or \
                     --parameter-overrides {name}=…"
                ),
            ));
        }
    };
    let (given, is_number) = match kind.text()? {
        "String" => (Given::Text(text), false),
        "Number" => (Given::Text(text), true),
        "CommaDelimitedList" => (Given::list(&text), false),
        "List<Number>" => (Given::list(&text), true),
        other => {
            return Err(Problem::at(
                kind.at,
                format!(
                    "{name}: a parameter of type {other} has its value in AWS only: make it a String"
                ),
            ));
        }
    };
    for text in given.texts() {
        // The value itself is not repeated: it may be a secret.
        rules.broken_by(text, is_number).map_or(Ok(()), |rule| {
            Err(Problem::at(
                declared.at,
                format!("{name}: the value {rule}"),
            ))
        })?;
    }
    Ok(given)
}

impl Given {
    fn list(text: &str) -> Self {
        Given::List(text.split(',').map(|item| item.trim().to_owned()).collect())
    }

    fn texts(&self) -> &[String] {
        match self {
            Given::Text(text) => std::slice::from_ref(text),
            Given::List(items) => items,
        }
    }
}

/// What a value may be: one of a list, of some length in characters, or a number of some size.
struct Rules {
    allowed: Option<Vec<String>>,
    length: (Option<usize>, Option<usize>),
    number: (Option<f64>, Option<f64>),
}

impl Rules {
    fn read(properties: &mut Properties<'_>) -> Result<Self, Problem> {
        let allowed = properties.optional("AllowedValues")?;
        Ok(Self {
            allowed: allowed.map(|node| node.texts()).transpose()?,
            length: (
                limit(properties, "MinLength")?,
                limit(properties, "MaxLength")?,
            ),
            number: (
                limit(properties, "MinValue")?,
                limit(properties, "MaxValue")?,
            ),
        })
    }

    /// The first rule that the value breaks.
    fn broken_by(&self, text: &str, is_number: bool) -> Option<String> {
        if let Some(allowed) = &self.allowed
            && !allowed.iter().any(|one| one == text)
        {
            return Some(format!("is none of {}", allowed.join(", ")));
        }
        if !within(text.chars().count(), self.length) {
            return Some("is too short or too long".to_owned());
        }
        match text.parse() {
            _ if !is_number => None,
            Ok(number) if within(number, self.number) => None,
            Ok(_) => Some("is too small or too large".to_owned()),
            Err(_) => Some("is no number".to_owned()),
        }
    }
}

fn within<T: PartialOrd>(value: T, (least, most): (Option<T>, Option<T>)) -> bool {
    least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most)
}

fn limit<T: std::str::FromStr>(
    properties: &mut Properties<'_>,
    name: &str,
) -> Result<Option<T>, Problem> {
    match properties.optional(name)? {
        Some(node) => match node.text()?.parse() {
            Ok(limit) => Ok(Some(limit)),
            Err(_) => Err(node.expected("a number")),
        },
        None => Ok(None),
    }
}

impl Local {
    /// A text of the template with `${Origins}`, `${Issuer}` and `${Audience}` filled in.
    fn fill(&self, template: &Node) -> Result<String, Problem> {
        let text = template
            .text()?
            .replace("${Origins}", &self.origins)
            .replace("${Issuer}", &self.issuer)
            .replace("${Audience}", &self.audience);
        if text.contains("${") {
            return Err(Problem::at(
                template.at,
                "Metadata.Harness: only ${Origins}, ${Issuer} and ${Audience} are known at the start",
            ));
        }
        Ok(text)
    }
}
