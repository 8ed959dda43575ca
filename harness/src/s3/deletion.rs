//! `DeleteObjects`.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, request::Parts},
};
use serde::{Deserialize, Serialize};

use super::{
    address::object_arn, digests::Digests, error::S3Error, headers, objects::Objects,
    operation::demand, xml,
};
use crate::iam::{Access, Caller};

/// The most keys of one call.
const MOST_KEYS: usize = 1_000;
/// Each key takes at most six times its bytes.
const LONGEST_BODY: usize = 8 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    #[serde(default)]
    object: Vec<Named>,
    #[serde(default)]
    quiet: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    key: String,
    version_id: Option<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    deleted: Vec<Done>,
    error: Vec<Failed>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Done {
    key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    key: String,
    code: &'static str,
    message: String,
}

/// Deletes objects, each with a permission of its own. Returns the document.
pub(super) async fn delete_objects(
    objects: &Objects,
    access: &Access,
    caller: &Caller,
    bucket: &str,
    parts: &Parts,
    body: Body,
    signed: Option<&str>,
) -> Result<String, S3Error> {
    let body = to_bytes(body, LONGEST_BODY)
        .await
        .map_err(|_| S3Error::MalformedXml)?;
    require_digests(&parts.headers, &body, signed)?;
    let text = std::str::from_utf8(&body).map_err(|_| S3Error::MalformedXml)?;
    let wanted: Delete = quick_xml::de::from_str(text).map_err(|_| S3Error::MalformedXml)?;
    if wanted.object.is_empty() || wanted.object.len() > MOST_KEYS {
        return Err(S3Error::MalformedXml);
    }
    if wanted.object.iter().any(|it| it.version_id.is_some()) {
        return Err(S3Error::Unsupported("versions".to_owned()));
    }
    let mut result = Deleted::default();
    for Named { key, .. } in wanted.object {
        let demand = demand("s3:DeleteObject", object_arn(bucket, &key));
        let done = match access.authorize(caller, &demand) {
            Ok(()) => objects
                .delete(bucket, &key)
                .map_err(|error| (error.code(), error.to_string())),
            Err(denial) => Err(("AccessDenied", denial.to_string())),
        };
        match done {
            Ok(()) if wanted.quiet => {}
            Ok(()) => result.deleted.push(Done { key }),
            Err((code, message)) => result.error.push(Failed { key, code, message }),
        }
    }
    Ok(xml::document("DeleteResult", &result))
}

/// S3 requires a hash of this body, since a wrong bit deletes another object.
fn require_digests(given: &HeaderMap, body: &[u8], signed: Option<&str>) -> Result<(), S3Error> {
    let checksums = headers::checksums(given)?;
    if checksums.is_empty() && !given.contains_key("content-md5") {
        return Err(S3Error::InvalidRequest(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*".to_owned(),
        ));
    }
    let mut digests = Digests::new();
    digests.update(body);
    digests.finish().require(given, signed, &checksums)
}
