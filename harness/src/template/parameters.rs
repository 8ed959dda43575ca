//! The `Parameters` section. The value of a parameter comes from the command line, else from the
//! template's `Metadata.Harness.Parameters`, else from its default.

use std::collections::BTreeMap;

use regex_lite::{Regex, RegexBuilder};

use super::{
    dynamic_references::DynamicValues,
    problem::{Problem, Problems},
    properties::Properties,
    scope::Given,
    yaml::{Entry, Node},
};

/// CloudFormation's limit of parameters in a template.
const MOST_PARAMETERS: usize = 200;
/// The most memory of a compiled pattern, in bytes. Repetitions of repetitions grow exponentially.
const LARGEST_PATTERN: usize = 256 * 1024;

/// Values that only a local run knows. A template uses all but the last two in the texts under
/// `Metadata.Harness.Parameters`.
#[derive(Clone, Debug)]
pub struct Local {
    /// `${Origins}`: the origins of the page, separated by commas.
    pub origins: String,
    /// `${Issuer}`: the URL of the local identity provider, without a slash at its end.
    pub issuer: String,
    /// `${CognitoIssuer}`: the URL of the local issuer with the tokens of a Cognito user pool.
    pub cognito_issuer: String,
    /// `${Audience}`: the audience of its tokens.
    pub audience: String,
    /// `${HttpEndpoint}`: the URL of the first HTTP API, without a stage and without a slash at its
    /// end.
    pub http_endpoint: String,
    /// The URL of the local SQS, with which the URLs of queues begin, without a slash at its end.
    pub sqs_endpoint: String,
    /// The values of dynamic references.
    pub dynamic_values: DynamicValues,
}

/// Returns the values by name. A parameter without a value is a problem.
pub(super) fn read(
    root: &Node,
    local: &Local,
    overrides: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> BTreeMap<String, Given> {
    let declared = section(root.get("Parameters"), problems);
    if let Some(first) = declared.get(MOST_PARAMETERS) {
        problems.add(Problem::at(
            first.at,
            format!("CloudFormation accepts at most {MOST_PARAMETERS} parameters in a template, and this is one more: remove some"),
        ));
        return BTreeMap::new();
    }
    let names = || {
        let names: Vec<_> = declared.iter().map(|entry| entry.key.as_str()).collect();
        names.join(", ")
    };
    for name in overrides.keys() {
        if !declared.iter().any(|entry| entry.key == *name) {
            problems.add(Problem::elsewhere(format!(
                "--parameter-overrides {name}: the template has no such parameter, only {}",
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
                    "Metadata.Harness: the template has no parameter {}, only {}",
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
        let value = problems.keep(value).unwrap_or(Given::Broken);
        values.insert(entry.key.clone(), value);
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

/// Returns the value of a parameter. `outside` is a value from outside its declaration.
fn value(
    declared: &Entry,
    outside: Option<&String>,
    problems: &mut Problems,
) -> Result<Given, Problem> {
    let name = &declared.key;
    let mut properties = Properties::plain(name, &declared.value)?;
    let kind = properties.required("Type")?;
    let default = properties.optional("Default")?;
    let rules = Rules::read(&mut properties, problems)?;
    let explanation = properties.text("ConstraintDescription")?;
    let explanation = explanation.map_or_else(String::new, |text| format!(": {text}"));
    properties.without_effect(&["Description", "NoEcho"]);
    properties.finish(problems);

    let text = match (outside, &default) {
        (Some(text), _) => text.clone(),
        (None, Some(default)) => default.text()?.to_owned(),
        (None, None) => {
            return Err(Problem::at(
                declared.at,
                format!(
                    "{name} has no value for a local run: add a Default, an entry under \
                     Metadata.Harness.Parameters, or --parameter-overrides {name}=…"
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
                    "{name}: the value of a parameter of type {other} is on AWS only: make it a String"
                ),
            ));
        }
    };
    for text in given.texts() {
        // The value is not repeated, because it may be a secret.
        rules.broken_by(text, is_number).map_or(Ok(()), |rule| {
            Err(Problem::at(
                declared.at,
                format!("{name}: the value {rule}{explanation}"),
            ))
        })?;
    }
    Ok(given)
}

/// Rules for a value: a list of allowed ones, a pattern, its length in characters, the size of a
/// number. A pattern applies to each item of a list.
struct Rules {
    allowed: Option<Vec<String>>,
    pattern: Option<Regex>,
    length: (Option<usize>, Option<usize>),
    number: (Option<f64>, Option<f64>),
}

impl Rules {
    fn read(properties: &mut Properties<'_>, problems: &mut Problems) -> Result<Self, Problem> {
        let allowed = properties.optional("AllowedValues")?;
        Ok(Self {
            allowed: allowed.map(|node| node.texts()).transpose()?,
            pattern: pattern(properties, problems)?,
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

    /// Returns what is wrong by the first rule that the value breaks.
    fn broken_by(&self, text: &str, is_number: bool) -> Option<String> {
        if let Some(allowed) = &self.allowed
            && !allowed.iter().any(|one| one == text)
        {
            return Some(format!("is not one of {}", allowed.join(", ")));
        }
        if let Some(pattern) = &self.pattern
            && !pattern.is_match(text)
        {
            return Some("does not match its AllowedPattern".to_owned());
        }
        if !within(text.chars().count(), self.length) {
            return Some("is too short or too long".to_owned());
        }
        match text.parse() {
            _ if !is_number => None,
            Ok(number) if within(number, self.number) => None,
            Ok(_) => Some("is too small or too large".to_owned()),
            Err(_) => Some("is not a number".to_owned()),
        }
    }
}

/// Returns the pattern that the whole value must match. CloudFormation has Java's regular
/// expressions, of which the harness knows those that take linear time.
fn pattern(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<Option<Regex>, Problem> {
    let Some(node) = properties.optional("AllowedPattern")? else {
        return Ok(None);
    };
    let whole = format!("^(?:{})$", node.text()?);
    let compiled = RegexBuilder::new(&whole)
        .size_limit(LARGEST_PATTERN)
        .build();
    if compiled.is_err() {
        let owner = properties.owner();
        let text =
            format!("{owner}: the harness cannot read AllowedPattern, so only AWS checks it");
        problems.notice(node.at, text);
    }
    Ok(compiled.ok())
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
    /// Returns a text of the template with `${Origins}`, `${Issuer}`, … filled in.
    fn fill(&self, template: &Node) -> Result<String, Problem> {
        let text = template
            .text()?
            .replace("${Origins}", &self.origins)
            .replace("${Issuer}", &self.issuer)
            .replace("${CognitoIssuer}", &self.cognito_issuer)
            .replace("${Audience}", &self.audience)
            .replace("${HttpEndpoint}", &self.http_endpoint);
        if text.contains("${") {
            return Err(Problem::at(
                template.at,
                "Metadata.Harness: a value may contain only ${Origins}, ${Issuer}, ${CognitoIssuer}, \
                 ${Audience} and ${HttpEndpoint}",
            ));
        }
        Ok(text)
    }
}
