//! `HttpApi` events: the routes of an HTTP API.

use std::time::Duration;

use crate::template::{
    api_gateway_v2::HTTP_TIMEOUT,
    api_ids,
    problem::{Place, Problem, Problems},
    properties::Properties,
    resource,
    yaml::Node,
};

pub(in crate::template) const METHODS: [&str; 8] = [
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
    pub(in crate::template) auth: RouteAuth,
    pub(in crate::template) timeout: Duration,
}

impl HttpApiEvent {
    pub(in crate::template) fn read(
        function: &str,
        at: Place,
        mut properties: Properties<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let api_id = problems.keep(properties.text("ApiId"));
        let route = route(function, at, &mut properties);
        let route = problems.keep(route);
        let timeout = problems.keep(timeout(&mut properties));
        let version = properties.optional_one_of("PayloadFormatVersion", &["2.0"]);
        problems.keep(version);
        let auth = properties.nested("Auth");
        let auth = problems.keep(auth).and_then(|auth| match auth {
            Some(auth) => RouteAuth::read(auth, problems),
            None => Some(RouteAuth::default()),
        });
        properties.finish(problems);
        let (method, path) = route?;
        Some(Self {
            function: function.to_owned(),
            at,
            api_id: api_id?.unwrap_or_else(|| api_ids::api_id(resource::IMPLICIT_HTTP_API)),
            method,
            path,
            auth: auth?,
            timeout: timeout?,
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

/// Who may call a route: the `Auth` of an event.
#[derive(Default)]
pub(in crate::template) struct RouteAuth {
    /// The name of an authorizer of the API.
    pub(in crate::template) authorizer: Option<Node>,
    pub(in crate::template) scopes: Option<Node>,
}

impl RouteAuth {
    fn read(mut auth: Properties<'_>, problems: &mut Problems) -> Option<Self> {
        let authorizer = problems.keep(auth.optional("Authorizer"));
        let scopes = problems.keep(auth.optional("AuthorizationScopes"));
        auth.finish(problems);
        Some(Self {
            authorizer: authorizer?,
            scopes: scopes?,
        })
    }
}

/// Returns the method and the path.
fn route(
    function: &str,
    at: Place,
    properties: &mut Properties<'_>,
) -> Result<(String, String), Problem> {
    let path = properties.optional("Path")?;
    let method = properties.optional("Method")?;
    match (method, path) {
        (None, None) => Ok(("ANY".to_owned(), "$default".to_owned())),
        (Some(method), Some(path)) => {
            let name = method.text()?.to_uppercase();
            if !METHODS.contains(&name.as_str()) {
                return Err(method.expected(&METHODS.join(" or ")));
            }
            if !path.text()?.starts_with('/') {
                return Err(path.expected("a path that begins with /"));
            }
            match path.text()? {
                // OpenAPI writes the route `$default` so.
                "/$default" => Ok(("ANY".to_owned(), "$default".to_owned())),
                path => Ok((name, path.to_owned())),
            }
        }
        _ => Err(Problem::at(
            at,
            format!("{function}: an HttpApi event has both Path and Method, or neither"),
        )),
    }
}

fn timeout(properties: &mut Properties<'_>) -> Result<Duration, Problem> {
    let milliseconds = match properties.optional("TimeoutInMillis")? {
        Some(node) => node.whole_number(HTTP_TIMEOUT.0, HTTP_TIMEOUT.1)?,
        None => HTTP_TIMEOUT.1,
    };
    Ok(Duration::from_millis(milliseconds))
}
