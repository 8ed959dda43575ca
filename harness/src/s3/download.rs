//! `GetObject` and `HeadObject`.

use std::{io::SeekFrom, sync::Arc};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use futures_util::stream;
use tokio::{
    fs::File,
    io::{self, AsyncReadExt, AsyncSeekExt},
};

use super::{
    error::S3Error,
    object::Object,
    objects::Objects,
    operation::{OVERRIDES, Query},
    range::{Part, part},
    upload::{checksum_headers, encryption},
};
use crate::faults::Transfer;

/// The most bytes of a body that are in memory.
const CHUNK: usize = 64 * 1024;

/// Answers with an object, or with its headers only.
pub(super) async fn get(
    objects: &Objects,
    object: &Arc<Object>,
    parts: &Parts,
    query: &Query,
    transfer: Transfer,
    with_body: bool,
) -> Result<Response, S3Error> {
    require_conditions(object, &parts.headers)?;
    let wanted = parts.headers.get(header::RANGE);
    let wanted = wanted.and_then(|value| value.to_str().ok());
    let wanted = part(wanted, object.size)?;
    let sent = wanted.unwrap_or(Part {
        first: 0,
        length: object.size,
    });
    let body = if with_body {
        let file = objects.body(object).await.map_err(|_| S3Error::Internal)?;
        contents(file, sent, transfer)
            .await
            .map_err(|_| S3Error::Internal)?
    } else {
        Body::empty()
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    describe(object, headers);
    for (parameter, name) in OVERRIDES {
        if let Some(value) = query.get(parameter) {
            insert(headers, name, value);
        }
    }
    headers.insert(header::CONTENT_LENGTH, sent.length.into());
    let asks = parts.headers.get("x-amz-checksum-mode");
    if asks.is_some_and(|mode| mode == "ENABLED") && wanted.is_none() {
        checksum_headers(object, headers);
    }
    if let Some(Part { first, length }) = wanted {
        let range = format!("bytes {first}-{}/{}", first + length - 1, object.size);
        insert(headers, "content-range", &range);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

fn describe(object: &Object, headers: &mut HeaderMap) {
    for (name, value) in &object.headers {
        insert(headers, name, value);
    }
    insert(headers, "etag", &object.etag);
    insert(headers, "last-modified", &object.last_modified());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    encryption(headers);
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::try_from(name);
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
        headers.insert(name, value);
    }
}

fn require_conditions(object: &Object, headers: &HeaderMap) -> Result<(), S3Error> {
    for name in [header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE] {
        if let Some(value) = headers.get(&name) {
            let date = value
                .to_str()
                .ok()
                .and_then(|it| httpdate::parse_http_date(it).ok());
            let since = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
            let Some(since) = since.and_then(|it| i64::try_from(it.as_secs()).ok()) else {
                continue;
            };
            // An entity tag is more exact than a date, so it decides alone.
            if name == header::IF_MODIFIED_SINCE {
                if object.modified <= since && !headers.contains_key(header::IF_NONE_MATCH) {
                    return Err(not_modified(object));
                }
            } else if object.modified > since && !headers.contains_key(header::IF_MATCH) {
                return Err(S3Error::PreconditionFailed("If-Unmodified-Since"));
            }
        }
    }
    if let Some(tags) = headers.get(header::IF_MATCH)
        && !names(tags, &object.etag)
    {
        return Err(S3Error::PreconditionFailed("If-Match"));
    }
    if let Some(tags) = headers.get(header::IF_NONE_MATCH)
        && names(tags, &object.etag)
    {
        return Err(not_modified(object));
    }
    Ok(())
}

fn not_modified(object: &Object) -> S3Error {
    S3Error::NotModified {
        etag: object.etag.clone(),
    }
}

/// Whether a list of entity tags has this one. Clients also write it without quotes.
fn names(tags: &HeaderValue, etag: &str) -> bool {
    let tags = tags.to_str().unwrap_or_default().split(',');
    let tags = tags.map(|tag| tag.trim().trim_matches('"'));
    let wanted = etag.trim_matches('"');
    tags.into_iter().any(|tag| tag == "*" || tag == wanted)
}

/// Returns a body that reads the file while it is sent.
async fn contents(mut file: File, sent: Part, transfer: Transfer) -> io::Result<Body> {
    file.seek(SeekFrom::Start(sent.first)).await?;
    let whole = sent.length;
    let unread = stream::try_unfold(
        (file, whole, transfer),
        move |(mut file, left, transfer)| async move {
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            if wanted == 0 {
                return Ok(None);
            }
            let mut chunk = vec![0; wanted];
            file.read_exact(&mut chunk).await?;
            let left = left - u64::try_from(wanted).unwrap_or(left);
            transfer.wait(whole - left, whole).await;
            if transfer.cuts(whole - left, whole) {
                // Meanwhile the response's head is sent: the cut is in the middle of the body.
                tokio::task::yield_now().await;
                return Err(io::Error::other("the connection breaks on purpose"));
            }
            Ok(Some((Bytes::from(chunk), (file, left, transfer))))
        },
    );
    Ok(Body::from_stream(unread))
}
