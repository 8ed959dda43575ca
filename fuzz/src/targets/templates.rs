//! SAM templates of the harness. The folder of the template holds a `bootstrap`, so that functions
//! without a `BuildMethod` have a valid `CodeUri: .`.

use std::{collections::BTreeMap, path::Path};

use harness::{
    stack::Stack,
    template::{DynamicValues, Local, TemplateError, read},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/templates");

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // Cargo would be asked for the binaries of a package.
    if text.contains("rust-cargolambda") {
        return;
    }
    if let Err(error) = stack(text) {
        assert!(!error.to_string().is_empty());
    }
}

/// Reads a template.
pub fn stack(text: &str) -> Result<Stack, TemplateError> {
    let local = Local {
        origins: "http://localhost:3000".to_owned(),
        issuer: "http://127.0.0.1:3000/.local".to_owned(),
        cognito_issuer: "http://127.0.0.1:3000/.local/cognito".to_owned(),
        http_endpoint: "http://127.0.0.1:3000".to_owned(),
        audience: "local-development".to_owned(),
        sqs_endpoint: "http://127.0.0.1:9324".to_owned(),
        dynamic_values: DynamicValues::default(),
    };
    let path = Path::new("template.yaml");
    read(text, path, Path::new(FOLDER), &local, &BTreeMap::new())
}
