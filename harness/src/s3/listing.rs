//! `ListObjectsV2` and `ListBuckets`.

use std::{collections::BTreeSet, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{error::S3Error, object::Object, objects::Objects, operation::Query, xml};
use crate::stack::Bucket;

const MOST_KEYS: usize = 1_000;
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    name: String,
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_type: Option<&'static str>,
    key_count: usize,
    max_keys: usize,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_continuation_token: Option<String>,
    contents: Vec<Listed>,
    common_prefixes: Vec<CommonPrefix>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    last_modified: String,
    #[serde(rename = "ETag")]
    etag: String,
    size: u64,
    storage_class: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CommonPrefix {
    prefix: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AllBuckets {
    buckets: Buckets,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Buckets {
    bucket: Vec<Named>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
    creation_date: &'static str,
}

/// Returns the document with all buckets.
pub(super) fn buckets<'a>(buckets: impl Iterator<Item = &'a Bucket>) -> String {
    let bucket = buckets.map(|bucket| Named {
        name: bucket.name.clone(),
        creation_date: "2026-01-01T00:00:00.000Z",
    });
    let bucket = bucket.collect();
    let document = AllBuckets {
        buckets: Buckets { bucket },
    };
    xml::document("ListAllMyBucketsResult", &document)
}

/// Returns the document with one page of the keys of a bucket.
pub(super) fn objects(objects: &Objects, bucket: &str, query: &Query) -> Result<String, S3Error> {
    let text = |name: &str| {
        query
            .get(name)
            .map(String::as_str)
            .filter(|it| !it.is_empty())
    };
    let prefix = text("prefix").unwrap_or_default();
    let delimiter = text("delimiter");
    let max_keys = match text("max-keys") {
        Some(number) => number.parse().map_err(|_| invalid("max-keys"))?,
        None => MOST_KEYS,
    };
    let limit = max_keys.min(MOST_KEYS);
    let after = match text("continuation-token") {
        Some(token) => BASE64_URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|key| String::from_utf8(key).ok())
            .ok_or_else(|| invalid("continuation-token"))?,
        None => text("start-after").unwrap_or_default().to_owned(),
    };
    let is_encoded = match text("encoding-type") {
        None => false,
        Some("url") => true,
        Some(_) => return Err(invalid("encoding-type")),
    };

    let page = Page::of(
        objects.after(bucket, &after),
        prefix,
        delimiter,
        &after,
        limit,
    );
    let shown = |text: &str| {
        if is_encoded {
            utf8_percent_encode(text, ENCODED).to_string()
        } else {
            text.to_owned()
        }
    };
    let contents = page.objects.iter().map(|object| Listed {
        key: shown(&object.key),
        last_modified: object.listed_date(),
        etag: object.etag.clone(),
        size: object.size,
        storage_class: "STANDARD",
    });
    let prefixes = page.prefixes.iter().map(|prefix| CommonPrefix {
        prefix: shown(prefix),
    });
    let list = List {
        name: bucket.to_owned(),
        prefix: shown(prefix),
        delimiter: delimiter.map(shown),
        start_after: text("start-after").map(shown),
        encoding_type: is_encoded.then_some("url"),
        key_count: page.objects.len() + page.prefixes.len(),
        max_keys,
        is_truncated: page.next.is_some(),
        next_continuation_token: page.next.map(|key| BASE64_URL_SAFE_NO_PAD.encode(key)),
        contents: contents.collect(),
        common_prefixes: prefixes.collect(),
    };
    Ok(xml::document("ListBucketResult", &list))
}

/// One page.
#[derive(Default)]
struct Page {
    objects: Vec<Arc<Object>>,
    prefixes: BTreeSet<String>,
    /// The key or the prefix after which the next page begins, if there is one.
    next: Option<String>,
}

impl Page {
    fn of(
        all: Vec<Arc<Object>>,
        prefix: &str,
        delimiter: Option<&str>,
        after: &str,
        limit: usize,
    ) -> Self {
        let mut page = Self::default();
        let mut last = String::new();
        for object in all {
            let Some(rest) = object.key.strip_prefix(prefix) else {
                continue;
            };
            let group = delimiter.and_then(|delimiter| {
                let end = rest.find(delimiter)? + delimiter.len();
                Some(format!("{prefix}{}", rest.get(..end)?))
            });
            if let Some(group) = &group
                && (page.prefixes.contains(group) || after == group || after.starts_with(group))
            {
                continue;
            }
            if page.objects.len() + page.prefixes.len() >= limit {
                page.next = (limit > 0).then_some(last);
                break;
            }
            match group {
                Some(group) => {
                    last.clone_from(&group);
                    page.prefixes.insert(group);
                }
                None => {
                    last.clone_from(&object.key);
                    page.objects.push(object);
                }
            }
        }
        page
    }
}

fn invalid(name: &str) -> S3Error {
    S3Error::InvalidArgument {
        name: name.to_owned(),
        message: format!("The {name} provided is not valid"),
    }
}
