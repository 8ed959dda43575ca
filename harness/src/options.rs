//! The command-line options of the harness, except for the ports.

use std::{
    collections::BTreeMap,
    fmt,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;

use crate::{bill::PriceList, dynamodb, faults};

/// The default template, relative to the current folder or to one above it.
const TEMPLATE: &str = "infra/template.yaml";

/// What to run, and how.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The SAM template [default: infra/template.yaml, here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,

    /// The DynamoDB engine: `embedded`, `local` (Amazon's DynamoDB Local, needs Java) or a URL
    #[arg(long, value_name = "ENGINE", default_value = "embedded")]
    pub dynamodb: dynamodb::Choice,

    /// Keeps tables and the signing key in this folder [default: in memory]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Builds the functions as they are deployed
    #[arg(long)]
    pub release: bool,

    /// Builds again when a source file changes, and replaces the functions that have changed
    #[arg(long)]
    pub watch: bool,

    /// Maximum number of processes of one function; further events wait
    #[arg(long, value_name = "N", default_value = "8")]
    pub concurrency: NonZeroUsize,

    /// Accepts calls of DynamoDB, @connections and Lambda without verifying their signatures
    #[arg(long)]
    pub no_signatures: bool,

    /// Faults to inject: `aws` (only latencies), `storm`, a JSON file, or JSON
    #[arg(long, value_name = "PLAN")]
    pub faults: Option<faults::Plan>,

    /// File to write all addresses to, as JSON, once everything listens; removed at the end
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,

    /// Values of the template's parameters
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    pub parameter_overrides: Vec<ParameterOverrides>,

    /// Port of an HTTP API beside the first one, by its logical id [default: any free one]
    #[arg(long, value_name = "API=PORT")]
    pub api_port: Vec<ApiPort>,

    /// JSON file with the values of `{{resolve:secretsmanager:…}}` and `{{resolve:ssm:…}}`
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,

    /// Records what happens into this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// Sends what happens to this OpenTelemetry collector, by OTLP over HTTP
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,

    /// Records the bodies of messages and requests as well: they are in memory, in the file of
    /// --record and in the console
    #[arg(long)]
    pub record_bodies: bool,

    /// Records nothing: no bill, and no events for --record, --otlp and the console
    #[arg(long, conflicts_with_all = ["record", "otlp", "record_bodies"])]
    pub no_trace: bool,

    /// Region whose prices the bill has
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub prices: PriceList,

    /// Folder with sample events for the console [default: `events` beside the folder of the
    /// template]
    #[arg(long, value_name = "DIR")]
    pub samples: Option<PathBuf>,

    /// Folder of the page [default: `web` beside the folder of the template]
    #[arg(long, value_name = "DIR")]
    pub web: Option<PathBuf>,
}

/// Returns the folder `name` beside the folder of the template.
fn beside(template: &Path, name: &str) -> PathBuf {
    let folder = template.parent().unwrap_or(Path::new(""));
    match folder.file_name() {
        Some(_) => folder.with_file_name(name),
        // The folder has no name of its own, as in `./template.yaml`.
        None => folder.join("..").join(name),
    }
}

impl Options {
    /// Returns the given template, or the first `infra/template.yaml` in `current` or a folder
    /// above.
    pub fn template_path(&self, current: &Path) -> Option<PathBuf> {
        match &self.template {
            Some(path) => Some(path.clone()),
            None => current
                .ancestors()
                .map(|folder| folder.join(TEMPLATE))
                .find(|path| path.is_file())
                // Error messages show the path; a relative one is shorter.
                .map(|path| {
                    path.strip_prefix(current)
                        .map(Path::to_owned)
                        .unwrap_or(path)
                }),
        }
    }

    /// Returns the folder of the page for the template at `template`.
    pub fn web_path(&self, template: &Path) -> PathBuf {
        let given = self.web.clone();
        given.unwrap_or_else(|| beside(template, "web"))
    }

    /// Returns the folder of the sample events for the template at `template`.
    pub fn samples_path(&self, template: &Path) -> PathBuf {
        let given = self.samples.clone();
        given.unwrap_or_else(|| beside(template, "events"))
    }

    /// Returns the given ports of HTTP APIs. The last one of a repeated name wins.
    pub fn api_ports(&self) -> BTreeMap<String, u16> {
        let given = self.api_port.iter();
        given
            .map(|given| (given.name.clone(), given.port))
            .collect()
    }

    /// Returns the given parameter values. The last one of a repeated name wins.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        self.parameter_overrides
            .iter()
            .flat_map(|given| given.0.clone())
            .collect()
    }
}

/// `API=PORT`: the port of an HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiPort {
    name: String,
    port: u16,
}

impl FromStr for ApiPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let given = text.split_once('=').and_then(|(name, port)| {
            let port = port.parse().ok()?;
            let name = name.to_owned();
            (!name.is_empty()).then_some(Self { name, port })
        });
        given.ok_or_else(|| "write it as API=PORT, for example AdminApi=3005".to_owned())
    }
}

/// One or more `KEY=VALUE`, separated by spaces, as in `sam deploy`. A value with spaces is in
/// double quotes, and a backslash escapes the next character.
#[derive(Clone, PartialEq, Eq)]
pub struct ParameterOverrides(Vec<(String, String)>);

impl fmt::Debug for ParameterOverrides {
    /// Shows no value, because it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl FromStr for ParameterOverrides {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pairs = words(text)
            .into_iter()
            .map(|word| match word.split_once('=') {
                Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
                // The text is not repeated, because it may be a secret.
                _ => Err(
                    "write it as KEY=VALUE, and a value with spaces as KEY=\"VALUE\"".to_owned(),
                ),
            });
        pairs.collect::<Result<_, _>>().map(Self)
    }
}

/// Splits at spaces outside of double quotes, and removes the quotes and backslashes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None;
    let mut quoted = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' if !quoted => words.extend(word.take()),
            '"' => {
                quoted = !quoted;
                word.get_or_insert_with(String::new);
            }
            '\\' => word
                .get_or_insert_with(String::new)
                .extend(characters.next()),
            other => word.get_or_insert_with(String::new).push(other),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        options: Options,
    }

    fn parse<const N: usize>(arguments: [&str; N]) -> Options {
        CommandLine::parse_from(arguments).options
    }

    #[test]
    fn overrides_are_parsed_as_sam_parses_them() {
        let given = ["dev", "--parameter-overrides", "A=1", "B=x=y", "--release"];
        let options = parse(given);
        assert!(options.release);
        assert_eq!(
            options.parameters(),
            BTreeMap::from([
                ("A".to_owned(), "1".to_owned()),
                ("B".to_owned(), "x=y".to_owned())
            ])
        );
        for (text, values) in [
            ("A=1 B=2", ["1", "2"]),
            ("A=\"x y\"  B=z", ["x y", "z"]),
            (r#"A={\"k\":1} B="#, [r#"{"k":1}"#, ""]),
        ] {
            let values = values.map(str::to_owned);
            let expected =
                BTreeMap::from_iter(["A", "B"].map(str::to_owned).into_iter().zip(values));
            let options = parse(["dev", "--parameter-overrides", text]);
            assert_eq!(options.parameters(), expected, "{text}");
        }
        assert!(CommandLine::try_parse_from(["dev", "--parameter-overrides", "A=1 B"]).is_err());
        let error = CommandLine::try_parse_from(["dev", "--parameter-overrides", "=1"])
            .err()
            .unwrap();
        assert!(error.to_string().contains("KEY=VALUE"), "{error}");
    }

    #[test]
    fn the_template_is_found_from_a_subfolder() {
        let options = parse(["dev"]);
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = options.template_path(&here.join("src")).unwrap();
        assert_eq!(found, here.parent().unwrap().join("infra/template.yaml"));
        let found = options.template_path(here.parent().unwrap()).unwrap();
        assert_eq!(found, Path::new("infra/template.yaml"));
    }

    #[test]
    fn the_default_page_is_beside_the_folder_of_the_template() {
        for (template, web) in [
            ("infra/template.yaml", "web"),
            ("../infra/template.yaml", "../web"),
            ("/srv/infra/template.yaml", "/srv/web"),
            ("template.yaml", "../web"),
            ("./template.yaml", "./../web"),
        ] {
            let options = parse(["dev"]);
            assert_eq!(
                options.web_path(Path::new(template)),
                Path::new(web),
                "{template}"
            );
        }
    }
}
