//! `AWS::Serverless::HttpApi`. Its routes are the `HttpApi` events of functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    api_gateway_v2::Parts,
    api_ids::api_id,
    definition_body::{self, Surroundings},
    event_source::HttpApiEvent,
    functions::Functions,
    jwt,
    problem::{Problem, Problems},
    properties::Properties,
    resource::Resource,
    scope::Scope,
    throttling,
    yaml::Node,
};
use crate::stack::{
    Cors, HttpApi, HttpAuthorizer, HttpRoute, HttpTarget, JwtAuthorizer, Throttling,
};

/// The longest time that an authorizer result is cached, in seconds.
const LONGEST_CACHE: u64 = 3_600;

/// Reads the API. `events` are the `HttpApi` events that name it. `parts` are all parts of the
/// template.
pub(super) fn read(
    resource: &Resource,
    scope: &Scope,
    functions: &Functions,
    parts: &Parts,
    events: Vec<HttpApiEvent>,
    problems: &mut Problems,
) -> Option<HttpApi> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let stage = problems.keep(properties.text("StageName"));
    let auth = properties.nested("Auth");
    let auth = problems.keep(auth).and_then(|auth| match auth {
        Some(auth) => Auth::read(auth, functions, problems),
        None => Some(Auth::default()),
    });
    let cors = cors_configuration(&mut properties, problems);
    let stage_variables = properties.texts("StageVariables", problems);
    let throttling = throttling::read(&mut properties, problems);
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
    let document = problems.keep(properties.optional("DefinitionBody"));
    properties.finish(problems);

    let api_id = api_id(id);
    let mut routes: Vec<HttpRoute> = Vec::new();
    let mut auth = auth?;
    let mut declared = BTreeSet::new();
    for event in events {
        if let Some(route) = problems.keep(auth.route(event, &mut declared)) {
            routes.push(route);
        }
    }
    let default = match &document {
        Some(Some(_)) => problems.keep(auth.authorizer(None)),
        _ => None,
    };
    let mut api = HttpApi {
        logical_id: id.to_owned(),
        api_id,
        stage: stage?.unwrap_or_else(|| "$default".to_owned()),
        routes,
        authorizers: std::mem::take(&mut auth.authorizers),
        jwt_authorizers: std::mem::take(&mut auth.jwt_authorizers),
        cors: cors?,
        stage_variables: stage_variables?,
        throttling: Throttling::default(),
    };
    if let Some(document) = document? {
        let authorizer = default?;
        let scopes = authorizer.as_ref().and_then(|it| auth.scopes.get(it));
        let surroundings = Surroundings {
            functions,
            parts,
            scopes: scopes.cloned().unwrap_or_default(),
            authorizer,
        };
        definition_body::read(&document, &surroundings, &mut api, problems);
    }
    parts.complete_http(&mut api, problems);
    let keys: Vec<String> = api.routes.iter().map(HttpRoute::key).collect();
    let keys = keys.iter().map(String::as_str);
    api.throttling = throttling?.of(keys, problems);
    Some(api)
}

#[derive(Default)]
struct Auth {
    authorizers: BTreeMap<String, HttpAuthorizer>,
    jwt_authorizers: BTreeMap<String, JwtAuthorizer>,
    /// The scopes of routes without scopes of their own, by the name of their authorizer.
    scopes: BTreeMap<String, Vec<String>>,
    /// The names of authorizers with problems.
    broken: BTreeSet<String>,
    default: Option<Node>,
}

impl Auth {
    fn read(
        mut auth: Properties<'_>,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Option<Self> {
        let default = problems.keep(auth.optional("DefaultAuthorizer"));
        let declared = problems.keep(auth.nested("Authorizers"));
        auth.finish(problems);
        let mut read = Self {
            default: default?,
            ..Self::default()
        };
        if let Some(declared) = declared? {
            for (name, _, properties) in declared.each(problems) {
                if read.add(&name, properties, functions, problems).is_none() {
                    read.broken.insert(name);
                }
            }
        }
        Some(read)
    }

    fn add(
        &mut self,
        name: &str,
        properties: Properties<'_>,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Option<()> {
        if properties.has("JwtConfiguration") {
            let (authorizer, scopes) = jwt::read(properties, problems)?;
            self.scopes.insert(name.to_owned(), scopes);
            self.jwt_authorizers.insert(name.to_owned(), authorizer);
        } else {
            let authorizer = authorizer(properties, functions, problems)?;
            self.authorizers.insert(name.to_owned(), authorizer);
        }
        Some(())
    }

    /// Returns the route of an event. `declared` are the methods and paths so far.
    fn route(
        &self,
        event: HttpApiEvent,
        declared: &mut BTreeSet<(String, String)>,
    ) -> Result<HttpRoute, Problem> {
        if !declared.insert((event.method.clone(), event.path.clone())) {
            return Err(Problem::at(
                event.at,
                format!(
                    "the route {} {} is declared twice: remove one",
                    event.method, event.path
                ),
            ));
        }
        let authorizer = self.authorizer(event.auth.authorizer.as_ref())?;
        let own = event.auth.scopes.as_ref().map(Node::texts).transpose()?;
        let scopes = match (&authorizer, own) {
            (Some(name), own) => own.or_else(|| self.scopes.get(name).cloned()),
            (None, _) => None,
        };
        Ok(HttpRoute {
            method: event.method,
            path: event.path,
            target: HttpTarget::Function(event.function),
            authorizer,
            scopes: scopes.unwrap_or_default(),
            timeout: event.timeout,
        })
    }

    /// Returns the name of the authorizer of a route, whose event names `own`.
    fn authorizer(&self, own: Option<&Node>) -> Result<Option<String>, Problem> {
        let Some(node) = own.or(self.default.as_ref()) else {
            return Ok(None);
        };
        let name = node.text()?;
        if name == "NONE" {
            return Ok(None);
        }
        if self.authorizers.contains_key(name) || self.jwt_authorizers.contains_key(name) {
            return Ok(Some(name.to_owned()));
        }
        if self.broken.contains(name) {
            return Err(Problem::consequence());
        }
        let text = if name == "AWS_IAM" {
            "the harness does not support the authorizer AWS_IAM: use a Lambda or JWT authorizer"
                .to_owned()
        } else {
            format!("the API has no authorizer {name}: declare it under Auth.Authorizers")
        };
        Err(Problem::at(node.at, text))
    }
}

fn authorizer(
    mut properties: Properties<'_>,
    functions: &Functions,
    problems: &mut Problems,
) -> Option<HttpAuthorizer> {
    let function = properties
        .required("FunctionArn")
        .and_then(|arn| functions.by_arn(&arn));
    let function = problems.keep(function);
    for (name, value) in [
        ("AuthorizerPayloadFormatVersion", "2.0"),
        ("EnableSimpleResponses", "true"),
    ] {
        problems.keep(properties.required_one_of(name, &[value]));
    }
    // Without a role or this permission the gateway may not call the authorizer, and every request
    // is answered with a 500 on AWS.
    if problems
        .keep(properties.optional("FunctionInvokeRole"))?
        .is_none()
    {
        let permission = "EnableFunctionDefaultPermissions";
        problems.keep(properties.required_one_of(permission, &["true"]));
    }
    let identity = properties.nested("Identity");
    let identity = problems.keep(identity).and_then(|identity| match identity {
        Some(identity) => {
            let identity = self::identity(identity, problems);
            problems.keep(identity)
        }
        None => Some((Vec::new(), Duration::ZERO)),
    });
    properties.finish(problems);
    let (identity_sources, cached_for) = identity?;
    Some(HttpAuthorizer {
        function: function?,
        identity_sources,
        cached_for,
    })
}

/// Returns the identity sources, and how long a result is cached.
fn identity(
    mut identity: Properties<'_>,
    problems: &mut Problems,
) -> Result<(Vec<String>, Duration), Problem> {
    let mut sources = Vec::new();
    for (prefix, name) in [
        ("$request.header.", "Headers"),
        ("$request.querystring.", "QueryStrings"),
        ("$stageVariables.", "StageVariables"),
        ("$context.", "Context"),
    ] {
        if let Some(names) = identity.optional(name)? {
            sources.extend(names.texts()?.iter().map(|name| format!("{prefix}{name}")));
        }
    }
    // AWS does not require it, but does not document the default either.
    let seconds = identity.required("ReauthorizeEvery")?;
    let cached_for = Duration::from_secs(seconds.whole_number(0, LONGEST_CACHE)?);
    if sources.is_empty() && !cached_for.is_zero() {
        return Err(Problem::at(
            seconds.at,
            format!(
                "{}: a result is not cached without an identity source: set ReauthorizeEvery to 0",
                identity.owner()
            ),
        ));
    }
    identity.finish(problems);
    Ok((sources, cached_for))
}

/// Reads `CorsConfiguration`. SAM accepts `true` for every origin.
pub(super) fn cors_configuration(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Option<Option<Cors>> {
    let node = properties.optional("CorsConfiguration");
    if let Some(node) = problems.keep(node)?
        && let Ok(all) = node.truth()
    {
        return Some(all.then(|| Cors {
            allow_origins: vec!["*".to_owned()],
            ..Cors::default()
        }));
    }
    let nested = properties.nested("CorsConfiguration");
    match problems.keep(nested)? {
        Some(nested) => {
            let cors = cors(nested, problems);
            problems.keep(cors).map(Some)
        }
        None => Some(None),
    }
}

pub(super) fn cors(
    mut properties: Properties<'_>,
    problems: &mut Problems,
) -> Result<Cors, Problem> {
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
