//! `HttpApi` events: the routes of an HTTP API.

use std::time::Duration;

use crate::template::{
    problem::{Place, Problem, Problems},
    properties::Properties,
    references, resource,
    yaml::Node,
};

/// The bounds of `TimeoutInMillis`. The upper one is the default.
const TIMEOUT: (u64, u64) = (50, 30_000);
const METHODS: [&str; 8] = [
    "ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT",
];

/// A route of an HTTP API.
pub(in crate::template) struct HttpApiEvent {
    /// The logical id of the function.
    pub(in crate::template) function: String,
    pub(in crate::template) at: Place,
    /// The value of `ApiId`.
    pub(in crate::template) api_id: String,
    pub(in crate::template) method: String,
    pub(in crate::template) path: String,
    /// The name of an authorizer of the API.
    pub(in crate::template) authorizer: Option<Node>,
    pub(in crate::template) timeout: Duration,
}

impl HttpApiEvent {
    pub(in crate::template) fn read(
        function: &str,
        at: Place,
        mut properties: Properties<'_>,
        problems: &mut Problems,
    ) -> Result<Self, Problem> {
        let api_id = match properties.optional("ApiId")? {
            Some(node) => node.text()?.to_owned(),
            None => references::api_id(resource::IMPLICIT_HTTP_API),
        };
        let path = properties.optional("Path")?;
        let method = properties.optional("Method")?;
        let (method, path) = match (method, path) {
            (None, None) => ("ANY".to_owned(), "$default".to_owned()),
            (Some(method), Some(path)) => {
                let name = method.text()?.to_uppercase();
                if !METHODS.contains(&name.as_str()) {
                    return Err(method.expected(&METHODS.join(" or ")));
                }
                if !path.text()?.starts_with('/') {
                    return Err(path.expected("a path that begins with /"));
                }
                (name, path.text()?.to_owned())
            }
            _ => {
                return Err(Problem::at(
                    at,
                    format!("{function}: an HttpApi event has both Path and Method, or neither"),
                ));
            }
        };
        let timeout = match properties.optional("TimeoutInMillis")? {
            Some(node) => node.whole_number(TIMEOUT.0, TIMEOUT.1)?,
            None => TIMEOUT.1,
        };
        properties.optional_one_of("PayloadFormatVersion", &["2.0"])?;
        let authorizer = match properties.nested("Auth")? {
            Some(mut auth) => {
                let authorizer = auth.optional("Authorizer")?;
                auth.finish(problems);
                authorizer
            }
            None => None,
        };
        properties.finish(problems);
        Ok(Self {
            function: function.to_owned(),
            at,
            api_id,
            method,
            path,
            authorizer,
            timeout: Duration::from_millis(timeout),
        })
    }

    /// The problem that the event names no API of the template.
    pub(in crate::template) fn without_api(&self) -> Problem {
        Problem::at(
            self.at,
            format!(
                "{}: ApiId names no HTTP API of this template",
                self.function
            ),
        )
    }
}
