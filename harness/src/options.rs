//! The command line of the harness.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Parser;

use crate::{dynamodb, faults};

/// Where the template is looked for, from the current folder upward.
const TEMPLATE: &str = "infra/template.yaml";

/// Runs a SAM template on this machine: API Gateway, Lambda, DynamoDB and an identity provider.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo dev")]
pub struct Options {
    /// The SAM template [default: infra/template.yaml, here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,

    /// Port of the HTTP API, the page and the identity provider; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub http_port: u16,

    /// Port of the WebSocket API and of its management API; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 3001)]
    pub ws_port: u16,

    /// Port of the Lambda API; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 9000)]
    pub lambda_port: u16,

    /// Port of DynamoDB; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    pub dynamodb_port: u16,

    /// What answers behind the DynamoDB port: `embedded`, `local` (Amazon's DynamoDB Local, needs Java) or a URL
    #[arg(long, value_name = "ENGINE", default_value = "embedded")]
    pub dynamodb: dynamodb::Choice,

    /// Keeps tables and signing keys in this folder [default: in memory]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Builds the functions as they are deployed
    #[arg(long)]
    pub release: bool,

    /// Builds again when a source file changes, and replaces the functions that it concerns
    #[arg(long)]
    pub watch: bool,

    /// Processes of one function at the same time; further events wait
    #[arg(long, value_name = "N", default_value = "8")]
    pub concurrency: NonZeroUsize,

    /// Takes calls of DynamoDB, @connections and Lambda without verifying their signatures
    #[arg(long)]
    pub no_signatures: bool,

    /// What is to go wrong: `aws` (only its latencies), `storm`, a JSON file, or JSON
    #[arg(long, value_name = "PLAN")]
    pub faults: Option<faults::Plan>,

    /// Written once everything listens: a JSON object with all addresses; removed at the end
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,

    /// Values of the template's parameters
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    pub parameter_overrides: Vec<ParameterOverride>,

    /// The page [default: the folder `web` beside the template's folder]
    #[arg(long, value_name = "DIR")]
    pub web: Option<PathBuf>,
}

impl Options {
    /// The template: the given one, or the first `infra/template.yaml` in `current` or a folder above it.
    pub fn template_path(&self, current: &Path) -> Option<PathBuf> {
        match &self.template {
            Some(path) => Some(path.clone()),
            None => current
                .ancestors()
                .map(|folder| folder.join(TEMPLATE))
                .find(|path| path.is_file())
                // Messages name it as it would be typed, if that is possible.
                .map(|path| {
                    path.strip_prefix(current)
                        .map(Path::to_owned)
                        .unwrap_or(path)
                }),
        }
    }

    /// The page's folder for the template at `template`.
    pub fn web_path(&self, template: &Path) -> PathBuf {
        match &self.web {
            Some(path) => path.clone(),
            None => {
                let folder = template.parent().unwrap_or(Path::new(""));
                match folder.file_name() {
                    Some(_) => folder.with_file_name("web"),
                    // It is named by nothing or dots only, like `./template.yaml`.
                    None => folder.join("../web"),
                }
            }
        }
    }

    /// The given parameter values; of a repeated one the last.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        self.parameter_overrides
            .iter()
            .map(|given| (given.name.clone(), given.value.clone()))
            .collect()
    }
}

/// `KEY=VALUE`, as `sam deploy` takes it.
#[derive(Clone, PartialEq, Eq)]
pub struct ParameterOverride {
    name: String,
    value: String,
}

impl std::fmt::Debug for ParameterOverride {
    /// Without the value, because it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=…", self.name)
    }
}

impl FromStr for ParameterOverride {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            // The text itself is not repeated: it may be a secret.
            _ => Err("write it as KEY=VALUE".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn overrides_are_read_as_sam_takes_them() {
        let given = ["dev", "--parameter-overrides", "A=1", "B=x=y", "--release"];
        let options = Options::parse_from(given);
        assert!(options.release);
        assert_eq!(
            options.parameters(),
            BTreeMap::from([
                ("A".to_owned(), "1".to_owned()),
                ("B".to_owned(), "x=y".to_owned())
            ])
        );
        let error = Options::try_parse_from(["dev", "--parameter-overrides", "=1"]).unwrap_err();
        assert!(error.to_string().contains("KEY=VALUE"), "{error}");
    }

    #[test]
    fn the_template_is_found_from_a_folder_below() {
        let options = Options::parse_from(["dev"]);
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = options.template_path(&here.join("src")).unwrap();
        assert_eq!(found, here.parent().unwrap().join("infra/template.yaml"));
        let found = options.template_path(here.parent().unwrap()).unwrap();
        assert_eq!(found, Path::new("infra/template.yaml"));
    }

    #[test]
    fn the_page_is_beside_the_template_s_folder() {
        for (template, web) in [
            ("infra/template.yaml", "web"),
            ("../infra/template.yaml", "../web"),
            ("/srv/infra/template.yaml", "/srv/web"),
            ("template.yaml", "../web"),
            ("./template.yaml", "./../web"),
        ] {
            let options = Options::parse_from(["dev"]);
            assert_eq!(
                options.web_path(Path::new(template)),
                Path::new(web),
                "{template}"
            );
        }
    }
}
