//! The canonical form of a request, which both sides of a signature compute.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, request};
use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode,
};

const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: &AsciiSet = &QUERY.remove(b'/');
/// The parameter of a presigned URL that has the signature.
const SIGNATURE: &str = "X-Amz-Signature";

/// The parts of a request that a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// For example `GET`.
    pub method: &'a str,
    /// As sent, with percent-encoding.
    pub path: &'a str,
    /// As sent, without the question mark. May be empty.
    pub query: &'a str,
    /// All headers, including `Host`.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Returns the parts of a received request.
    pub fn received(parts: &'a request::Parts, body: &'a [u8]) -> Self {
        Self {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body,
        }
    }

    /// Returns the text that is hashed and signed. `signed_headers` are in lower case and sorted.
    ///
    /// It always contains the hash of the body. Only S3 accepts `UNSIGNED-PAYLOAD`.
    pub(super) fn canonical(&self, signed_headers: &[&str]) -> String {
        let path = canonical_path(self.path);
        self.text(&path, signed_headers, &sha256(self.body))
    }

    /// Returns the text for S3, which takes the path as it is and the hash of the body from the
    /// caller. The body is checked against it while it arrives.
    pub(super) fn canonical_of_s3(&self, signed_headers: &[&str], payload: &str) -> String {
        let path = percent_encode(&Vec::from_iter(percent_decode_str(self.path)), PATH).to_string();
        self.text(&path, signed_headers, payload)
    }

    fn text(&self, path: &str, signed_headers: &[&str], payload: &str) -> String {
        let mut text = format!("{}\n{path}\n{}\n", self.method, canonical_query(self.query));
        for name in signed_headers {
            text.push_str(name);
            text.push(':');
            text.push_str(&header(self.headers, name));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&signed_headers.join(";"));
        text.push('\n');
        text.push_str(payload);
        text
    }
}

/// Returns the hash in lower-case hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(digest(&SHA256, bytes).as_ref())
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Removes empty and dotted segments, and encodes the path once more. All services but S3 do this.
fn canonical_path(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut normal = format!("/{}", segments.join("/"));
    if path.ends_with('/') && !segments.is_empty() {
        normal.push('/');
    }
    utf8_percent_encode(&normal, PATH).to_string()
}

/// Returns all names and values in one encoding, sorted. The signature of a presigned URL is not a
/// part of what it signs.
fn canonical_query(query: &str) -> String {
    let normal =
        |text| percent_encode(&Vec::from_iter(percent_decode_str(text)), QUERY).to_string();
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != SIGNATURE)
        .map(|(name, value)| (normal(name), normal(value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Returns all values of a header, with single spaces between words.
fn header(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| {
            let value = String::from_utf8_lossy(value.as_bytes());
            value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect();
    values.join(",")
}
