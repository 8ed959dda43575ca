//! Passes requests on to another server: integrations of type `HTTP_PROXY`.

use std::{sync::OnceLock, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Url, redirect};
use serde_json::Value;
use tokio::time::timeout;

use super::{LONGEST_BODY, event::Received, event::is_hop_by_hop, routes::Selected};
use crate::{
    error_chain::ErrorChain,
    stack::{Change, ChangedPart, Endpoint, How, HttpApi, Piece},
};

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// The characters of a path parameter that are encoded, in one segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same for a parameter of several segments.
const SEGMENTS: &AsciiSet = &SEGMENT.remove(b'/');

/// Why an endpoint gives no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndpointError {
    #[error("the integration timed out")]
    TimedOut,
    #[error("cannot call the endpoint: {0}")]
    Unreachable(String),
    #[error("the URL is not valid with these path parameters")]
    Url,
    #[error("the response has more than {LONGEST_BODY} bytes")]
    TooLarge,
}

/// A request to pass on.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) api: &'a HttpApi,
    pub(super) selected: &'a Selected<'a>,
    pub(super) received: &'a Received,
    pub(super) request: &'a Parts,
    /// `requestContext.authorizer`.
    pub(super) authorizer: Option<&'a Value>,
}

/// The client of all endpoints of an API.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    /// Made for the first request: it reads the certificates of the system.
    client: OnceLock<reqwest::Client>,
}

impl Endpoints {
    /// Passes a request on, and returns the response of the endpoint.
    pub(super) async fn call(
        &self,
        endpoint: &Endpoint,
        incoming: Incoming<'_>,
        body: Bytes,
        limit: Duration,
    ) -> Result<Response, EndpointError> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                // The client of the API follows redirects, if it wants to.
                let client = reqwest::Client::builder().redirect(redirect::Policy::none());
                let client = client.build().map_err(unreachable)?;
                self.client.get_or_init(|| client)
            }
        };
        let (method, url, headers) = incoming.outgoing(endpoint).ok_or(EndpointError::Url)?;
        let mut request = client.request(method, url).headers(headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        match timeout(limit, whole(request)).await {
            Ok(response) => response,
            Err(_) => Err(EndpointError::TimedOut),
        }
    }
}

fn unreachable(error: reqwest::Error) -> EndpointError {
    // The URL may contain a secret.
    EndpointError::Unreachable(ErrorChain(&error.without_url()).to_string())
}

/// Returns the response with its whole body.
async fn whole(request: reqwest::RequestBuilder) -> Result<Response, EndpointError> {
    let mut received = request.send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(chunk) = received.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LONGEST_BODY {
            return Err(EndpointError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body.into());
    *response.status_mut() = received.status();
    let passed_on = received
        .headers()
        .iter()
        .filter(|(name, _)| !is_hop_by_hop(name.as_str()) && **name != header::CONTENT_LENGTH);
    for (name, value) in passed_on {
        response.headers_mut().append(name.clone(), value.clone());
    }
    Ok(response)
}

impl Incoming<'_> {
    /// Returns the request to the endpoint, or `None` if its URL is not valid.
    fn outgoing(&self, endpoint: &Endpoint) -> Option<(Method, Url, HeaderMap)> {
        let method = match &endpoint.method {
            Some(method) => method.parse().ok()?,
            None => self.request.method.clone(),
        };
        let mut url: Url = self.filled(&endpoint.uri).parse().ok()?;
        let sent = self.request.uri.query().filter(|query| !query.is_empty());
        if let Some(sent) = sent {
            let query = match url.query() {
                Some(own) => format!("{own}&{sent}"),
                None => sent.to_owned(),
            };
            url.set_query(Some(&query));
        }
        let mut headers = self.headers();
        for change in &endpoint.changes {
            self.apply(change, &mut url, &mut headers);
        }
        Some((method, url, headers))
    }

    /// Returns the URI with the path parameters of the request.
    fn filled(&self, uri: &str) -> String {
        let route = &self.selected.route.path;
        let mut filled = uri.to_owned();
        for (name, value) in &self.selected.parameters {
            let is_greedy = route.contains(&format!("{{{name}+}}"));
            let kept = if is_greedy { SEGMENTS } else { SEGMENT };
            let value = utf8_percent_encode(value, kept).to_string();
            filled = filled.replace(&format!("{{{name}}}"), &value);
        }
        filled
    }

    /// Returns the headers of the client with those that API Gateway adds.
    fn headers(&self) -> HeaderMap {
        let sent = &self.request.headers;
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            let own = [
                header::HOST,
                header::CONTENT_LENGTH,
                FORWARDED,
                header::VIA,
                TRACE,
            ];
            if !is_hop_by_hop(name.as_str()) && !own.contains(name) {
                headers.append(name.clone(), value.clone());
            }
        }
        let trace = self.received.headers.get(TRACE.as_str());
        for (name, value) in [
            (FORWARDED, self.received.forwarded()),
            (header::VIA, "HTTP/1.1 AmazonAPIGateway".to_owned()),
            (
                TRACE,
                trace.and_then(Value::as_str).unwrap_or_default().to_owned(),
            ),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers
    }

    /// Changes the request. A change whose value the request does not have changes nothing.
    fn apply(&self, change: &Change, url: &mut Url, headers: &mut HeaderMap) {
        let value = match change.how {
            How::Remove => String::new(),
            How::Append | How::Overwrite => match self.value(&change.value) {
                Some(value) => value,
                None => return,
            },
        };
        match &change.part {
            ChangedPart::Path => url.set_path(&value),
            ChangedPart::Query(name) => {
                let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
                if change.how != How::Append {
                    pairs.retain(|(known, _)| known != name);
                }
                if change.how != How::Remove {
                    pairs.push((name.clone(), value));
                }
                url.set_query(None);
                if !pairs.is_empty() {
                    url.query_pairs_mut().extend_pairs(pairs);
                }
            }
            ChangedPart::Header(name) => {
                let Ok(name) = name.parse::<HeaderName>() else {
                    return;
                };
                if change.how != How::Append {
                    headers.remove(&name);
                }
                if change.how != How::Remove
                    && let Ok(value) = HeaderValue::from_str(&value)
                {
                    headers.append(name, value);
                }
            }
        }
    }

    /// Returns the value of a change, or `None` if the request lacks a part of it.
    fn value(&self, pieces: &[Piece]) -> Option<String> {
        pieces.iter().map(|piece| self.piece(piece)).collect()
    }

    fn piece(&self, piece: &Piece) -> Option<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Header(name) => self.received.headers.get(name).and_then(text),
            Piece::Query(name) => self.received.query.get(name).and_then(text),
            Piece::Path => Some(self.received.path_in_stage(self.api).to_owned()),
            Piece::PathParameter(name) => {
                let mut parameters = self.selected.parameters.iter();
                let found = parameters.find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            }
            Piece::StageVariable(name) => self.api.stage_variables.get(name).cloned(),
            Piece::Context(name) => match name.strip_prefix("authorizer.") {
                Some(name) => self.authorizer_value(name),
                None => self.received.context(self.api, self.selected, name),
            },
        }
    }

    /// Returns `$context.authorizer.NAME`, or `$context.authorizer.claims.NAME` of a token.
    fn authorizer_value(&self, name: &str) -> Option<String> {
        let authorizer = self.authorizer?;
        let value = match name.strip_prefix("claims.") {
            Some(claim) => authorizer.get("jwt")?.get("claims")?.get(claim)?,
            None => authorizer.get("lambda")?.get(name)?,
        };
        Some(match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }
}
