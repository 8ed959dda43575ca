//! `RequestParameters` of an HTTP API: changes of requests on their way to an endpoint.

use std::collections::BTreeMap;

use super::absent::Absent;
use crate::{
    stack::{Change, ChangedPart, How, Piece},
    template::problem::{Place, Problem},
};

/// Headers that a mapping must not change. An entry with a dash at its end stands for all headers
/// with this beginning.
const RESERVED: [&str; 22] = [
    "access-control-",
    "apigw-",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "forwarded",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-amz-",
    "x-amzn-",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// The variables of `$context` that the harness knows, apart from `authorizer.…`.
const CONTEXT: [&str; 14] = [
    "accountId",
    "apiId",
    "domainName",
    "domainPrefix",
    "extendedRequestId",
    "httpMethod",
    "identity.sourceIp",
    "identity.userAgent",
    "path",
    "protocol",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "routeKey",
];

/// Reads a mapping. The inner error is an integration that the harness does not have.
///
/// # Errors
/// Fails if AWS would reject the mapping.
pub(in crate::template) fn changes(
    parameters: &BTreeMap<String, String>,
    at: Place,
) -> Result<Result<Vec<Change>, Absent>, Problem> {
    let mut changes = Vec::new();
    for (key, value) in parameters {
        let (how, part) = target(key).ok_or_else(|| {
            Problem::at(
                at,
                format!(
                    "RequestParameters: expected append, overwrite or remove, a colon, and \
                     header.NAME, querystring.NAME or path, found `{key}`"
                ),
            )
        })?;
        if let ChangedPart::Header(name) = &part
            && RESERVED.iter().any(|reserved| is_reserved(name, reserved))
        {
            return Err(Problem::at(
                at,
                format!(
                    "RequestParameters: API Gateway does not let a mapping change the header {name}"
                ),
            ));
        }
        let value = match how {
            How::Remove => Vec::new(),
            How::Append | How::Overwrite => match pieces(value) {
                Ok(pieces) => pieces,
                Err(variable) => return Ok(Err(Absent::mapping(at, variable))),
            },
        };
        changes.push(Change { part, how, value });
    }
    Ok(Ok(changes))
}

fn is_reserved(name: &str, reserved: &str) -> bool {
    match reserved.ends_with('-') {
        true => name.starts_with(reserved),
        false => name == reserved,
    }
}

/// Reads `overwrite:header.Accept` and the like.
fn target(key: &str) -> Option<(How, ChangedPart)> {
    let (how, part) = key.split_once(':')?;
    let how = match how {
        "append" => How::Append,
        "overwrite" => How::Overwrite,
        "remove" => How::Remove,
        _ => return None,
    };
    let part = match part.split_once('.') {
        None if part == "path" && how == How::Overwrite => ChangedPart::Path,
        Some(("header", name)) if !name.is_empty() => {
            ChangedPart::Header(name.to_ascii_lowercase())
        }
        Some(("querystring", name)) if !name.is_empty() => ChangedPart::Query(name.to_owned()),
        _ => return None,
    };
    Some((how, part))
}

/// Reads a value: a text, `$variable`, or a text with `${variable}`. Fails with the first variable
/// that the harness does not know.
fn pieces(value: &str) -> Result<Vec<Piece>, &str> {
    if let Some(name) = value.strip_prefix('$')
        && !name.starts_with('{')
    {
        return Ok(vec![variable(name).ok_or(value)?]);
    }
    let mut pieces = Vec::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or(value)?;
        pieces.push(Piece::Text(before.to_owned()));
        pieces.push(variable(name).ok_or(name)?);
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces.retain(|piece| *piece != Piece::Text(String::new()));
    Ok(pieces)
}

fn variable(name: &str) -> Option<Piece> {
    if name == "request.path" {
        return Some(Piece::Path);
    }
    let (of, name) = ["request.header.", "request.querystring.", "request.path."]
        .into_iter()
        .chain(["stageVariables.", "context."])
        .find_map(|prefix| Some((prefix, name.strip_prefix(prefix)?)))?;
    Some(match of {
        "request.header." => Piece::Header(name.to_ascii_lowercase()),
        "request.querystring." => Piece::Query(name.to_owned()),
        "request.path." => Piece::PathParameter(name.trim_end_matches('+').to_owned()),
        "stageVariables." => Piece::StageVariable(name.to_owned()),
        _ if CONTEXT.contains(&name) || name == "stage" || name.starts_with("authorizer.") => {
            Piece::Context(name.to_owned())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: &str) -> Result<Result<Vec<Change>, Absent>, Problem> {
        let parameters = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        changes(&parameters, Place { line: 1, column: 1 })
    }

    #[test]
    fn mappings_are_read() {
        let text = |text: &str| Piece::Text(text.to_owned());
        for (key, value, part, how, pieces) in [
            (
                "overwrite:header.Accept",
                "text/plain",
                ChangedPart::Header("accept".into()),
                How::Overwrite,
                vec![text("text/plain")],
            ),
            (
                "append:querystring.id",
                "$request.path.id",
                ChangedPart::Query("id".into()),
                How::Append,
                vec![Piece::PathParameter("id".into())],
            ),
            (
                "overwrite:path",
                "/v1/${request.path.proxy}-${context.requestId}",
                ChangedPart::Path,
                How::Overwrite,
                vec![
                    text("/v1/"),
                    Piece::PathParameter("proxy".into()),
                    text("-"),
                    Piece::Context("requestId".into()),
                ],
            ),
            (
                "remove:header.X-Secret",
                "",
                ChangedPart::Header("x-secret".into()),
                How::Remove,
                Vec::new(),
            ),
        ] {
            let read = read(key, value).unwrap().unwrap();
            assert_eq!(
                read,
                [Change {
                    part,
                    how,
                    value: pieces
                }],
                "{key}"
            );
        }
    }

    #[test]
    fn what_aws_rejects_is_a_problem_and_what_the_harness_lacks_is_absent() {
        for key in [
            "header.Accept",
            "append:path",
            "overwrite:body",
            "overwrite:header.",
            "overwrite:header.Authorization",
            "append:header.X-Amz-Date",
        ] {
            assert!(read(key, "a").is_err(), "{key}");
        }
        for value in [
            "$request.body",
            "${request.body.a}",
            "$context.awsEndpointRequestId",
        ] {
            assert!(
                read("overwrite:header.a", value).unwrap().is_err(),
                "{value}"
            );
        }
    }
}
