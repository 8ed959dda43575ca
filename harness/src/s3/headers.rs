//! The headers of an upload: those that are stored, and those that the harness does not support.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName};

use super::{digests, error::S3Error};
use crate::stack::ACCOUNT;

/// The standard headers that an object keeps.
const KEPT: [&str; 6] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
];
const METADATA: &str = "x-amz-meta-";
const CHECKSUM: &str = "x-amz-checksum-";
/// The type of an object that has none.
const DEFAULT_TYPE: &str = "binary/octet-stream";
/// The most bytes of the names and values of `x-amz-meta-…`.
const MOST_METADATA: usize = 2 * 1024;
/// Headers that change nothing here.
const WITHOUT_EFFECT: [&str; 8] = [
    "x-amz-checksum-mode",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-request-payer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-te",
    "x-amz-user-agent",
];

/// Returns the headers that answers repeat.
pub(super) fn kept(headers: &HeaderMap) -> Result<BTreeMap<String, String>, S3Error> {
    let mut kept = BTreeMap::new();
    let mut metadata = 0;
    for name in headers.keys().map(HeaderName::as_str) {
        let is_metadata = name.starts_with(METADATA);
        if !is_metadata && !KEPT.contains(&name) {
            continue;
        }
        let value = value(headers, name)?;
        if is_metadata {
            metadata += name.len() - METADATA.len() + value.len();
        }
        kept.insert(name.to_owned(), value);
    }
    if metadata > MOST_METADATA {
        return Err(S3Error::MetadataTooLarge);
    }
    kept.entry("content-type".to_owned())
        .or_insert_with(|| DEFAULT_TYPE.to_owned());
    Ok(kept)
}

/// Returns the given checksums in base64, by algorithm.
pub(super) fn checksums(headers: &HeaderMap) -> Result<BTreeMap<String, String>, S3Error> {
    let mut checksums = BTreeMap::new();
    for name in headers.keys().map(HeaderName::as_str) {
        let Some(algorithm) = name.strip_prefix(CHECKSUM).filter(|it| *it != "mode") else {
            continue;
        };
        if !digests::ALGORITHMS.contains(&algorithm) {
            return Err(unknown(name));
        }
        let value = value(headers, name)?;
        if decoded_length(&value) != Some(digests::length(algorithm)) {
            let text = format!("Value for {name} header is invalid.");
            return Err(S3Error::InvalidRequest(text));
        }
        checksums.insert(algorithm.to_owned(), value);
    }
    if checksums.len() > 1 {
        return Err(S3Error::InvalidRequest(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
                .to_owned(),
        ));
    }
    Ok(checksums)
}

/// Fails for a header that would change what the call does, and that the harness does not support.
pub(super) fn require_known(headers: &HeaderMap) -> Result<(), S3Error> {
    for (name, value) in headers {
        let name = name.as_str();
        let value = value.as_bytes();
        if !name.starts_with("x-amz-")
            || name.starts_with(METADATA)
            || name.starts_with(CHECKSUM)
            || WITHOUT_EFFECT.contains(&name)
        {
            continue;
        }
        match name {
            "x-amz-acl" if matches!(value, b"private" | b"bucket-owner-full-control") => {}
            "x-amz-expected-bucket-owner" if value == ACCOUNT.as_bytes() => {}
            "x-amz-expected-bucket-owner" => return Err(S3Error::AccessDenied),
            "x-amz-server-side-encryption" if value == b"AES256" => {}
            "x-amz-storage-class" if value == b"STANDARD" => {}
            _ => return Err(unknown(name)),
        }
    }
    Ok(())
}

/// Returns the number of bytes that a text in base64 stands for.
pub(super) fn decoded_length(text: &str) -> Option<usize> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.decode(text).ok().map(|bytes| bytes.len())
}

fn unknown(name: &str) -> S3Error {
    S3Error::NotImplemented {
        header: name.to_owned(),
    }
}

fn value(headers: &HeaderMap, name: &str) -> Result<String, S3Error> {
    let values = headers.get_all(name).iter().map(|value| {
        // Browsers and SDKs send other characters as UTF-8.
        let value = std::str::from_utf8(value.as_bytes());
        value.map_err(|_| S3Error::InvalidArgument {
            name: name.to_owned(),
            message: "Header values must be UTF-8".to_owned(),
        })
    });
    Ok(values.collect::<Result<Vec<_>, _>>()?.join(","))
}
