//! JWT authorizers of HTTP APIs, in SAM's form and in that of `AWS::ApiGatewayV2::Authorizer`.

use super::{
    problem::{Problem, Problems},
    properties::Properties,
    yaml::Node,
};
use crate::{server, stack::JwtAuthorizer};

const SOURCES: [&str; 2] = ["$request.header.", "$request.querystring."];

/// Reads an authorizer under `Auth.Authorizers`. Its scopes are those of routes without scopes of
/// their own.
pub(super) fn read(
    mut properties: Properties<'_>,
    problems: &mut Problems,
) -> Option<(JwtAuthorizer, Vec<String>)> {
    let scopes = properties
        .optional("AuthorizationScopes")
        .and_then(|scopes| scopes.map_or(Ok(Vec::new()), |scopes| scopes.texts()));
    let scopes = problems.keep(scopes);
    let source = properties.required("IdentitySource");
    let source = problems.keep(source);
    let configuration = configuration(&mut properties, ["issuer", "audience"], problems);
    properties.finish(problems);
    let authorizer = authorizer(source, configuration, problems);
    Some((authorizer?, scopes?))
}

/// Reads the properties of an `AWS::ApiGatewayV2::Authorizer`.
pub(super) fn read_part(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Option<JwtAuthorizer> {
    let source = properties.required("IdentitySource");
    let source = problems.keep(source);
    let configuration = configuration(properties, ["Issuer", "Audience"], problems);
    authorizer(source, configuration, problems)
}

fn authorizer(
    source: Option<Node>,
    configuration: Option<(String, Vec<String>)>,
    problems: &mut Problems,
) -> Option<JwtAuthorizer> {
    let source = source.and_then(|source| problems.keep(identity_source(&source)));
    let (issuer, audience) = configuration?;
    Some(JwtAuthorizer {
        identity_source: source?,
        issuer,
        audience,
    })
}

/// Returns the place of the token in a request. A JWT authorizer has one.
fn identity_source(node: &Node) -> Result<String, Problem> {
    let expected = "one text such as $request.header.Authorization";
    let texts = node.texts()?;
    match texts.as_slice() {
        [only] if SOURCES.iter().any(|source| only.starts_with(source)) => Ok(only.clone()),
        _ => Err(node.expected(expected)),
    }
}

/// Returns the issuer and the audience. SAM and CloudFormation write the names differently.
fn configuration(
    properties: &mut Properties<'_>,
    [issuer, audience]: [&str; 2],
    problems: &mut Problems,
) -> Option<(String, Vec<String>)> {
    let nested = properties.nested("JwtConfiguration");
    let Some(mut nested) = problems.keep(nested)? else {
        let owner = properties.owner();
        problems.add(Problem::at(
            properties.at(),
            format!("{owner}: JwtConfiguration is missing"),
        ));
        return None;
    };
    // SAM accepts both spellings.
    let capital = |name: &'static str, other| if nested.has(name) { name } else { other };
    let (issuer, audience) = (capital("Issuer", issuer), capital("Audience", audience));
    let issuer = nested.required(issuer).and_then(|node| url(&node));
    let issuer = problems.keep(issuer);
    let audience = nested.required(audience).and_then(|node| {
        let texts = node.texts()?;
        if texts.is_empty() {
            return Err(node.expected("at least one audience"));
        }
        Ok(texts)
    });
    let audience = problems.keep(audience);
    nested.finish(problems);
    Some((issuer?, audience?))
}

/// Returns the URL of an issuer. AWS accepts https only; here an issuer of this machine may do
/// without.
fn url(node: &Node) -> Result<String, Problem> {
    let text = node.text()?;
    let origin = text.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    if text.starts_with("https://") || server::is_loopback_origin(&origin) {
        Ok(text.to_owned())
    } else {
        Err(node.expected("the URL of an issuer, with https://"))
    }
}
