//! `AWS::Serverless::HttpApi`. Its routes are the `HttpApi` events of functions.

use std::{collections::BTreeMap, time::Duration};

use super::{
    event_source::HttpApiEvent,
    functions::Functions,
    problem::{Problem, Problems},
    properties::Properties,
    references::api_id,
    resource::Resource,
    scope::Scope,
    throttling,
    yaml::Node,
};
use crate::stack::{Cors, HttpApi, HttpAuthorizer, HttpRoute};

/// The longest time that an authorizer result is cached, in seconds.
const LONGEST_CACHE: u64 = 3_600;

/// Reads the API. `events` are all `HttpApi` events of the template. An event that names another
/// API is an error.
pub(super) fn read(
    resource: &Resource,
    scope: &Scope,
    functions: &Functions,
    events: Vec<HttpApiEvent>,
    problems: &mut Problems,
) -> Option<HttpApi> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let stage = properties
        .optional("StageName")
        .and_then(|node| stage(node.as_ref()));
    let stage = problems.keep(stage);
    let auth = properties.nested("Auth");
    let auth = match problems.keep(auth)? {
        Some(auth) => {
            let auth = Auth::read(auth, functions, problems);
            problems.keep(auth)?
        }
        None => Auth::default(),
    };
    let cors = properties.nested("CorsConfiguration");
    let cors = match problems.keep(cors)? {
        Some(cors) => {
            let cors = self::cors(cors, problems);
            Some(problems.keep(cors)?)
        }
        None => None,
    };
    let stage_variables = problems.keep(properties.texts("StageVariables"));
    let throttling = throttling::read(&mut properties, problems);
    let throttling = problems.keep(throttling);
    properties.without_effect(&[
        "AccessLogSettings",
        "Description",
        "DisableExecuteApiEndpoint",
        "Domain",
        "FailOnWarnings",
        "Name",
        "PropagateTags",
        "Tags",
    ]);
    properties.finish(problems);

    let api_id = api_id(id);
    let mut routes: Vec<HttpRoute> = Vec::new();
    for event in events {
        if let Some(route) = problems.keep(auth.route(event, &api_id, &routes)) {
            routes.push(route);
        }
    }
    let keys: Vec<String> = routes.iter().map(HttpRoute::key).collect();
    let keys = keys.iter().map(String::as_str);
    Some(HttpApi {
        api_id,
        stage: stage?,
        routes,
        authorizers: auth.authorizers,
        cors,
        stage_variables: stage_variables?,
        throttling: throttling?.of(keys, problems),
    })
}

fn stage(node: Option<&Node>) -> Result<String, Problem> {
    node.map_or(Ok("$default".to_owned()), |node| {
        node.text().map(str::to_owned)
    })
}

#[derive(Default)]
struct Auth {
    authorizers: BTreeMap<String, HttpAuthorizer>,
    default: Option<Node>,
}

impl Auth {
    fn read(
        mut auth: Properties<'_>,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Result<Self, Problem> {
        let default = auth.optional("DefaultAuthorizer")?;
        let declared = auth.nested("Authorizers")?;
        auth.finish(problems);
        let mut authorizers = BTreeMap::new();
        if let Some(declared) = declared {
            for (name, _, properties) in declared.each()? {
                let read = authorizer(properties, functions, problems);
                if let Some(authorizer) = problems.keep(read) {
                    authorizers.insert(name, authorizer);
                }
            }
        }
        Ok(Self {
            authorizers,
            default,
        })
    }

    fn route(
        &self,
        event: HttpApiEvent,
        api_id: &str,
        others: &[HttpRoute],
    ) -> Result<HttpRoute, Problem> {
        if event.api_id != api_id {
            return Err(event.without_api());
        }
        if others
            .iter()
            .any(|other| other.method == event.method && other.path == event.path)
        {
            return Err(Problem::at(
                event.at,
                format!(
                    "the route {} {} is declared twice: remove one",
                    event.method, event.path
                ),
            ));
        }
        let authorizer = match event.authorizer.as_ref().or(self.default.as_ref()) {
            None => None,
            Some(node) if node.text()? == "NONE" => None,
            Some(node) if self.authorizers.contains_key(node.text()?) => {
                Some(node.text()?.to_owned())
            }
            Some(node) => {
                return Err(Problem::at(
                    node.at,
                    format!(
                        "the API has no authorizer {}: declare it under Auth.Authorizers",
                        node.text()?
                    ),
                ));
            }
        };
        Ok(HttpRoute {
            method: event.method,
            path: event.path,
            function: event.function,
            authorizer,
            timeout: event.timeout,
        })
    }
}

fn authorizer(
    mut properties: Properties<'_>,
    functions: &Functions,
    problems: &mut Problems,
) -> Result<HttpAuthorizer, Problem> {
    let function = functions.by_arn(&properties.required("FunctionArn")?)?;
    properties.required_one_of("AuthorizerPayloadFormatVersion", &["2.0"])?;
    properties.required_one_of("EnableSimpleResponses", &["true"])?;
    // Without a role or this permission the gateway may not call the authorizer, and every request
    // is answered with a 500 on AWS.
    if properties.optional("FunctionInvokeRole")?.is_none() {
        properties.required_one_of("EnableFunctionDefaultPermissions", &["true"])?;
    }
    let mut identity_sources = Vec::new();
    let mut cached_for = Duration::ZERO;
    if let Some(mut identity) = properties.nested("Identity")? {
        for (prefix, name) in [
            ("$request.header.", "Headers"),
            ("$request.querystring.", "QueryStrings"),
            ("$stageVariables.", "StageVariables"),
            ("$context.", "Context"),
        ] {
            if let Some(names) = identity.optional(name)? {
                identity_sources
                    .extend(names.texts()?.iter().map(|name| format!("{prefix}{name}")));
            }
        }
        // AWS does not require it, but does not document the default either.
        let seconds = identity.required("ReauthorizeEvery")?;
        cached_for = Duration::from_secs(seconds.whole_number(0, LONGEST_CACHE)?);
        if identity_sources.is_empty() && !cached_for.is_zero() {
            return Err(Problem::at(
                seconds.at,
                format!(
                    "{}: a result is not cached without an identity source: set ReauthorizeEvery to 0",
                    identity.owner()
                ),
            ));
        }
        identity.finish(problems);
    }
    properties.finish(problems);
    Ok(HttpAuthorizer {
        function,
        identity_sources,
        cached_for,
    })
}

fn cors(mut properties: Properties<'_>, problems: &mut Problems) -> Result<Cors, Problem> {
    let mut names = |name: &str| match properties.optional(name)? {
        Some(node) => node.texts(),
        None => Ok(Vec::new()),
    };
    let mut cors = Cors {
        allow_origins: names("AllowOrigins")?,
        allow_methods: names("AllowMethods")?,
        allow_headers: names("AllowHeaders")?,
        expose_headers: names("ExposeHeaders")?,
        allow_credentials: false,
        max_age: None,
    };
    if let Some(node) = properties.optional("AllowCredentials")? {
        cors.allow_credentials = node.truth()?;
        if cors.allow_credentials && cors.allow_origins.iter().any(|origin| origin == "*") {
            return Err(Problem::at(
                node.at,
                "AllowCredentials excludes the origin *: list the origins",
            ));
        }
    }
    if let Some(node) = properties.optional("MaxAge")? {
        cors.max_age = Some(Duration::from_secs(node.whole_number(0, 86_400)?));
    }
    properties.finish(problems);
    Ok(cors)
}
