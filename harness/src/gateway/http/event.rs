//! Events of payload format 2.0: for functions and, nearly the same, for authorizers.

use axum::{
    body::Bytes,
    extract::Query,
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::{path::RequestPath, routes::Selected};
use crate::{
    gateway::{ids, moment::Moment},
    server::Peer,
    stack::{ACCOUNT, HttpApi, REGION},
};

/// Hop-by-hop headers. Functions do not see them.
const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header, in lower case, concerns one connection only.
pub(super) fn is_hop_by_hop(name: &str) -> bool {
    HOP_BY_HOP.contains(&name)
}

/// One request, as both kinds of event show it.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) request_id: String,
    /// Names in lower case, repeated headers joined by commas, without cookies.
    pub(super) headers: Map<String, Value>,
    /// Decoded, repeated parameters joined by commas.
    pub(super) query: Map<String, Value>,
    method: String,
    /// Decoded: HTTP APIs pass the path on decoded, unlike REST APIs. With the stage.
    path: String,
    raw_query: String,
    cookies: Vec<Value>,
    domain_name: String,
    protocol: String,
    source_ip: String,
    received_at: Moment,
}

impl Received {
    pub(super) fn new(peer: &Peer, request: &Parts, path: &RequestPath, body: &Bytes) -> Self {
        let received_at = Moment::now();
        let domain_name = text_of(&request.headers, header::HOST.as_str());
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&request.uri)
            .map(|query| query.0)
            .unwrap_or_default();
        Self {
            request_id: ids::new_id(),
            headers: headers(peer, &request.headers, &domain_name, received_at, body),
            query: joined(pairs),
            method: request.method.to_string(),
            path: path.text(),
            raw_query: request.uri.query().unwrap_or_default().to_owned(),
            cookies: cookies(&request.headers),
            domain_name,
            protocol: format!("{:?}", request.version),
            source_ip: peer.ip(),
            received_at,
        }
    }

    /// Returns the event of a function. `context` is `requestContext.authorizer`, if the route has
    /// an authorizer.
    pub(super) fn function_event(
        &self,
        api: &HttpApi,
        selected: &Selected<'_>,
        context: Option<Value>,
        body: &Bytes,
    ) -> Value {
        let mut event = self.common(api, selected);
        if let (Some(context), Some(Value::Object(request_context))) =
            (context, event.get_mut("requestContext"))
        {
            request_context.insert("authorizer".into(), context);
        }
        let as_text = is_text(self.headers.get("content-type").and_then(Value::as_str))
            .then(|| std::str::from_utf8(body).ok())
            .flatten();
        if !body.is_empty() {
            event.insert(
                "body".into(),
                as_text
                    .map_or_else(|| BASE64_STANDARD.encode(body), str::to_owned)
                    .into(),
            );
        }
        event.insert(
            "isBase64Encoded".into(),
            (!body.is_empty() && as_text.is_none()).into(),
        );
        event.into()
    }

    /// Returns the event of an authorizer.
    pub(super) fn authorizer_event(
        &self,
        api: &HttpApi,
        selected: &Selected<'_>,
        identity: &[String],
    ) -> Value {
        let mut event = self.common(api, selected);
        let path = self.path_in_stage(api);
        let arn = format!(
            "arn:aws:execute-api:{REGION}:{ACCOUNT}:{}/{}/{}{path}",
            api.api_id, api.stage, self.method
        );
        event.insert("type".into(), "REQUEST".into());
        event.insert("routeArn".into(), arn.into());
        event.insert(
            "identitySource".into(),
            if identity.is_empty() {
                Value::Null
            } else {
                json!(identity)
            },
        );
        event.into()
    }

    /// Returns the decoded path without the stage.
    pub(super) fn path_in_stage(&self, api: &HttpApi) -> &str {
        if api.stage == "$default" {
            return &self.path;
        }
        let stage = format!("/{}", api.stage);
        self.path.strip_prefix(&stage).unwrap_or_default()
    }

    /// Returns the header `Forwarded` of a request that is passed on.
    pub(super) fn forwarded(&self) -> String {
        let client = match self.source_ip.contains(':') {
            true => format!("\"[{}]\"", self.source_ip),
            false => self.source_ip.clone(),
        };
        format!(
            "by=127.0.0.1;for={client};host={};proto=http",
            self.domain_name
        )
    }

    /// Returns `$context.NAME`, as parameter mappings know it.
    pub(super) fn context(
        &self,
        api: &HttpApi,
        selected: &Selected<'_>,
        name: &str,
    ) -> Option<String> {
        let domain_prefix = self.domain_name.split(['.', ':']).next();
        Some(match name {
            "accountId" => ACCOUNT.to_owned(),
            "apiId" => api.api_id.clone(),
            "domainName" => self.domain_name.clone(),
            "domainPrefix" => domain_prefix?.to_owned(),
            "extendedRequestId" | "requestId" => self.request_id.clone(),
            "httpMethod" => self.method.clone(),
            "identity.sourceIp" => self.source_ip.clone(),
            "identity.userAgent" => self.headers.get("user-agent")?.as_str()?.to_owned(),
            "path" => self.path.clone(),
            "protocol" => self.protocol.clone(),
            "requestTime" => self.received_at.common_log(),
            "requestTimeEpoch" => self.received_at.epoch_ms().to_string(),
            "routeKey" => selected.key.to_owned(),
            "stage" => api.stage.clone(),
            _ => return None,
        })
    }

    fn common(&self, api: &HttpApi, selected: &Selected<'_>) -> Map<String, Value> {
        let mut event = Map::new();
        event.insert("version".into(), "2.0".into());
        event.insert("routeKey".into(), selected.key.into());
        event.insert("rawPath".into(), self.path.clone().into());
        event.insert("rawQueryString".into(), self.raw_query.clone().into());
        if !self.cookies.is_empty() {
            event.insert("cookies".into(), self.cookies.clone().into());
        }
        event.insert("headers".into(), self.headers.clone().into());
        if !self.query.is_empty() {
            event.insert("queryStringParameters".into(), self.query.clone().into());
        }
        if !selected.parameters.is_empty() {
            event.insert(
                "pathParameters".into(),
                joined(selected.parameters.clone()).into(),
            );
        }
        if !api.stage_variables.is_empty() {
            event.insert("stageVariables".into(), json!(api.stage_variables));
        }
        let http = json!({
            "method": self.method,
            "path": self.path,
            "protocol": self.protocol,
            "sourceIp": self.source_ip,
            "userAgent": self.headers.get("user-agent").and_then(Value::as_str).unwrap_or_default(),
        });
        let context = json!({
            "accountId": ACCOUNT,
            "apiId": api.api_id,
            "domainName": self.domain_name,
            "domainPrefix": self.domain_name.split(['.', ':']).next(),
            "http": http,
            "requestId": self.request_id,
            "routeKey": selected.key,
            "stage": api.stage,
            "time": self.received_at.common_log(),
            "timeEpoch": self.received_at.epoch_ms(),
        });
        event.insert("requestContext".into(), context);
        event
    }
}

fn headers(
    peer: &Peer,
    sent: &HeaderMap,
    domain_name: &str,
    now: Moment,
    body: &Bytes,
) -> Map<String, Value> {
    let own = [
        "cookie",
        "x-amzn-trace-id",
        "x-forwarded-port",
        "x-forwarded-proto",
    ];
    let names = sent
        .keys()
        .map(header::HeaderName::as_str)
        .filter(|name| !is_hop_by_hop(name) && !own.contains(name));
    let mut headers: Map<_, _> = names
        .map(|name| (name.to_owned(), Value::from(text_of(sent, name))))
        .collect();
    let forwarded_for = match headers.get("x-forwarded-for").and_then(Value::as_str) {
        Some(before) => format!("{before}, {}", peer.ip()),
        None => peer.ip(),
    };
    let port = domain_name.rsplit_once(':').map_or("80", |(_, port)| port);
    headers.insert("content-length".into(), body.len().to_string().into());
    headers.insert("x-amzn-trace-id".into(), ids::new_trace_id(now).into());
    headers.insert("x-forwarded-for".into(), forwarded_for.into());
    headers.insert("x-forwarded-port".into(), port.into());
    headers.insert("x-forwarded-proto".into(), "http".into());
    headers
}

/// Joins all values of a header by commas.
fn text_of(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    values.join(",")
}

fn cookies(headers: &HeaderMap) -> Vec<Value> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    lines
        .flat_map(|line| {
            line.split(';')
                .map(|cookie| Value::from(cookie.trim()))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn joined(pairs: Vec<(String, String)>) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, value) in pairs {
        match map.get_mut(&name) {
            Some(Value::String(all)) => {
                all.push(',');
                all.push_str(&value);
            }
            _ => {
                map.insert(name, value.into());
            }
        }
    }
    map
}

/// Whether HTTP APIs pass this content type on as text. All others are base64, including forms and
/// bodies without a content type.
fn is_text(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else {
        return false;
    };
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(
            kind.as_str(),
            "application/json" | "application/javascript" | "application/xml"
        )
}
