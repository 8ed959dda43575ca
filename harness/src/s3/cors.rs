//! CORS: which pages may call a bucket.
//!
//! S3 performs the calls of every page and only leaves the headers away. Here a page that no rule
//! allows is refused, since other services of the harness refuse foreign pages, too.

use std::fmt::Write as _;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    response::Response,
};

use super::error::S3Error;
use crate::stack::{Bucket, CorsRule};

const FETCH_SITE: &str = "sec-fetch-site";
const NOT_ENABLED: &str = "CORS is not enabled for this bucket.";
const NOT_ALLOWED: &str = "This CORS request is not allowed. This is usually because the evalution of \
                           Origin, request method / Access-Control-Request-Method or \
                           Access-Control-Request-Headers are not whitelisted by the resource's CORS \
                           spec.";

/// Answers a preflight.
pub(super) fn preflight(bucket: Option<&Bucket>, parts: &Parts) -> Result<Response, S3Error> {
    let origin = text(&parts.headers, &header::ORIGIN).ok_or(S3Error::NoOrigin)?;
    let method = text(&parts.headers, &header::ACCESS_CONTROL_REQUEST_METHOD);
    let wanted = text(&parts.headers, &header::ACCESS_CONTROL_REQUEST_HEADERS);
    let wanted: Vec<_> = wanted
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let rules = bucket
        .map(|bucket| bucket.cors.as_slice())
        .unwrap_or_default();
    if rules.is_empty() {
        return Err(S3Error::Cors(NOT_ENABLED));
    }
    let method = method.unwrap_or_default();
    let rule = rules
        .iter()
        .find(|rule| rule.allows(origin, method) && wanted.iter().all(|name| rule.accepts(name)))
        .ok_or(S3Error::Cors(NOT_ALLOWED))?;
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    grant(rule, origin, headers);
    set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &wanted);
    if let Some(max_age) = rule.max_age {
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, max_age.as_secs().into());
    }
    Ok(response)
}

/// Fails for a request of a page that no rule allows. Images and downloads of a page have no
/// origin; a presigned URL is all that they need.
pub(super) fn require_permitted(bucket: Option<&Bucket>, parts: &Parts) -> Result<(), S3Error> {
    let rules = bucket
        .map(|bucket| bucket.cors.as_slice())
        .unwrap_or_default();
    match parts.headers.get(header::ORIGIN) {
        Some(origin) => {
            let origin = origin.to_str().unwrap_or_default();
            let is_allowed = |rule: &CorsRule| rule.allows(origin, parts.method.as_str());
            if rules.iter().any(is_allowed) {
                Ok(())
            } else {
                Err(S3Error::Cors(NOT_ALLOWED))
            }
        }
        None => {
            let site = parts.headers.get(FETCH_SITE);
            let is_page = site.is_some_and(|site| site != "none");
            let only_reads = matches!(parts.method, Method::GET | Method::HEAD);
            if is_page && !only_reads {
                Err(S3Error::Cors(NOT_ALLOWED))
            } else {
                Ok(())
            }
        }
    }
}

/// Adds the headers for a page to an answer.
pub(super) fn apply(bucket: Option<&Bucket>, parts: &Parts, headers: &mut HeaderMap) {
    let rules = bucket
        .map(|bucket| bucket.cors.as_slice())
        .unwrap_or_default();
    let Some(origin) = text(&parts.headers, &header::ORIGIN) else {
        return;
    };
    let rule = rules
        .iter()
        .find(|rule| rule.allows(origin, parts.method.as_str()));
    if let Some(rule) = rule {
        grant(rule, origin, headers);
    }
}

/// Sets the headers that preflights and other answers have.
fn grant(rule: &CorsRule, origin: &str, headers: &mut HeaderMap) {
    let any = rule.origins.iter().any(|allowed| allowed == "*");
    let allowed = if any { "*" } else { origin };
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    }
    if !any {
        let yes = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    }
    set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &rule.methods);
    let exposed = &rule.exposed_headers;
    set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
    headers.insert(header::VARY, HeaderValue::from_static(vary));
}

fn set(headers: &mut HeaderMap, name: HeaderName, items: &[String]) {
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{item}");
    }
    if !text.is_empty()
        && let Ok(value) = HeaderValue::from_str(&text)
    {
        headers.insert(name, value);
    }
}

impl CorsRule {
    fn allows(&self, origin: &str, method: &str) -> bool {
        self.methods.iter().any(|allowed| allowed == method)
            && self.origins.iter().any(|allowed| is_match(allowed, origin))
    }

    /// Whether a preflight may ask for a header, whose name is in lower case.
    fn accepts(&self, name: &str) -> bool {
        let mut headers = self.headers.iter();
        headers.any(|allowed| is_match(&allowed.to_ascii_lowercase(), name))
    }
}

/// Whether a text with at most one `*` matches. A question mark is a character like any other.
fn is_match(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => {
            text.len() >= before.len() + after.len()
                && text.starts_with(before)
                && text.ends_with(after)
        }
        None => pattern == text,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
