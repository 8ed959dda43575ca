//! `PutObject`.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use futures_util::StreamExt;
use time::OffsetDateTime;

use super::{
    address::Address, digests::Digests, error::S3Error, headers, object::Object, objects::Objects,
};
use crate::faults::Transfer;

/// The largest object of one upload.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// Stores an object. `signed` is the hash that the signature covers.
pub(super) async fn put(
    objects: &Objects,
    address: &Address,
    parts: &Parts,
    body: Body,
    signed: Option<&str>,
    transfer: &Transfer,
) -> Result<Response, S3Error> {
    let given = &parts.headers;
    headers::require_known(given)?;
    if signed.is_some_and(|it| it.starts_with("STREAMING-")) {
        let text = "bodies in signed or unsigned chunks: send a body with a Content-Length";
        return Err(S3Error::Unsupported(text.to_owned()));
    }
    let size = size(given)?;
    let only_new = only_new(given)?;
    let checksums = headers::checksums(given)?;
    let kept = headers::kept(given)?;

    let mut upload = objects.begin(size).await?;
    let mut digests = Digests::new();
    let mut arrived: u64 = 0;
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| S3Error::IncompleteBody)?;
        arrived += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        digests.update(&chunk);
        upload.write(&chunk).await?;
        transfer.wait(arrived, size).await;
        if transfer.cuts(arrived, size) {
            return Err(S3Error::Cut);
        }
    }
    if arrived != size {
        return Err(S3Error::IncompleteBody);
    }
    let finished = digests.finish();
    finished.require(given, signed, &checksums)?;
    let object = Object {
        bucket: address.bucket.clone(),
        key: address.key.clone(),
        body: upload.body().to_owned(),
        size,
        etag: finished.etag(),
        modified: OffsetDateTime::now_utc().unix_timestamp(),
        headers: kept,
        checksums,
    };
    let object = upload.store(object, only_new).await?;
    Ok(stored(&object))
}

fn stored(object: &Arc<Object>) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&object.etag) {
        headers.insert(header::ETAG, etag);
    }
    encryption(headers);
    checksum_headers(object, headers);
    response
}

/// Adds the headers about the encryption that every bucket has.
pub(super) fn encryption(headers: &mut HeaderMap) {
    const ENCRYPTION: HeaderName = HeaderName::from_static("x-amz-server-side-encryption");
    headers.insert(ENCRYPTION, HeaderValue::from_static("AES256"));
}

/// Adds the checksums that an object was uploaded with.
pub(super) fn checksum_headers(object: &Object, headers: &mut HeaderMap) {
    for (algorithm, value) in &object.checksums {
        let name = HeaderName::try_from(format!("x-amz-checksum-{algorithm}"));
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
            let whole = HeaderValue::from_static("FULL_OBJECT");
            headers.insert("x-amz-checksum-type", whole);
        }
    }
}

fn size(headers: &HeaderMap) -> Result<u64, S3Error> {
    let size = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .ok_or(S3Error::MissingContentLength)?;
    if size > LARGEST {
        return Err(S3Error::EntityTooLarge);
    }
    Ok(size)
}

/// Whether the upload may not replace an object. S3 supports no other condition of uploads but
/// `If-Match`, which the harness does not.
fn only_new(headers: &HeaderMap) -> Result<bool, S3Error> {
    for name in [
        header::IF_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
    ] {
        if headers.contains_key(&name) {
            return Err(S3Error::NotImplemented {
                header: name.to_string(),
            });
        }
    }
    match headers.get(header::IF_NONE_MATCH) {
        None => Ok(false),
        Some(value) if value == "*" => Ok(true),
        Some(_) => Err(S3Error::NotImplemented {
            header: header::IF_NONE_MATCH.to_string(),
        }),
    }
}
