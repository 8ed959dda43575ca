//! Which operation a request is, and which permission it needs.

use std::collections::BTreeMap;

use axum::http::{Method, request::Parts};
use percent_encoding::percent_decode_str;

use super::{
    address::{Address, bucket_arn},
    error::S3Error,
};
use crate::iam::Demand;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ListBuckets,
    HeadBucket,
    ListObjects,
    DeleteObjects,
    PutObject,
    GetObject,
    HeadObject,
    DeleteObject,
}

/// Parameters of a list.
pub(super) const LIST: [&str; 8] = [
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "list-type",
    "max-keys",
    "prefix",
    "start-after",
];
/// Parameters that replace a header of the answer, and that header.
pub(super) const OVERRIDES: [(&str, &str); 6] = [
    ("response-cache-control", "cache-control"),
    ("response-content-disposition", "content-disposition"),
    ("response-content-encoding", "content-encoding"),
    ("response-content-language", "content-language"),
    ("response-content-type", "content-type"),
    ("response-expires", "expires"),
];
/// Parameters of presigned URLs, which are no part of the operation.
const SIGNATURE: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// The parameters of a query, without those of a signature.
pub(super) type Query = BTreeMap<String, String>;

/// Reads a query.
pub(super) fn query(text: &str) -> Query {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        // SDKs name the operation in `x-id`, which S3 ignores.
        .filter(|(name, _)| name != "x-id" && !SIGNATURE.contains(&name.as_str()))
        .collect()
}

impl Operation {
    /// Returns the operation of a request. A parameter that the harness does not know may ask for
    /// another operation, so it is refused.
    pub fn of(parts: &Parts, address: &Address, query: &Query) -> Result<Self, S3Error> {
        let has = |name| query.contains_key(name);
        let level = (address.bucket.is_empty(), address.key.is_empty());
        let operation = match (&parts.method, level) {
            (&Method::GET, (true, _)) => Self::ListBuckets,
            (&Method::HEAD, (false, true)) => Self::HeadBucket,
            (&Method::GET, (false, true)) => Self::ListObjects,
            (&Method::POST, (false, true)) if has("delete") => Self::DeleteObjects,
            (&Method::PUT, (false, false)) => Self::PutObject,
            (&Method::GET, (false, false)) => Self::GetObject,
            (&Method::HEAD, (false, false)) => Self::HeadObject,
            (&Method::DELETE, (false, false)) => Self::DeleteObject,
            _ => return Err(S3Error::MethodNotAllowed),
        };
        let is_known = |name: &str| match operation {
            Self::ListObjects => LIST.contains(&name),
            Self::DeleteObjects => name == "delete",
            Self::GetObject | Self::HeadObject => OVERRIDES.iter().any(|(it, _)| *it == name),
            _ => false,
        };
        if let Some(other) = query.keys().find(|name| !is_known(name)) {
            return Err(S3Error::Unsupported(format!("the parameter {other}")));
        }
        if operation == Self::ListObjects && query.get("list-type").is_none_or(|it| it != "2") {
            return Err(S3Error::Unsupported("lists but ListObjectsV2".to_owned()));
        }
        if parts.headers.contains_key("x-amz-copy-source") {
            return Err(S3Error::Unsupported("copies".to_owned()));
        }
        Ok(operation)
    }

    /// Returns the name by which plans of faults select it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ListBuckets => "ListBuckets",
            Self::HeadBucket => "HeadBucket",
            Self::ListObjects => "ListObjectsV2",
            Self::DeleteObjects => "DeleteObjects",
            Self::PutObject => "PutObject",
            Self::GetObject => "GetObject",
            Self::HeadObject => "HeadObject",
            Self::DeleteObject => "DeleteObject",
        }
    }

    /// Returns the permission that the call needs. `DeleteObjects` needs one for each key, which
    /// its body names.
    pub fn demand(self, address: &Address) -> Option<Demand> {
        let (action, resource) = match self {
            Self::ListBuckets => ("s3:ListAllMyBuckets", "*".to_owned()),
            Self::HeadBucket | Self::ListObjects => ("s3:ListBucket", address.arn()),
            Self::DeleteObjects => return None,
            Self::PutObject => ("s3:PutObject", address.arn()),
            Self::GetObject | Self::HeadObject => ("s3:GetObject", address.arn()),
            Self::DeleteObject => ("s3:DeleteObject", address.arn()),
        };
        Some(demand(action, resource))
    }
}

/// Returns the permission that tells whether a key exists: without it, S3 answers 403 instead of
/// 404.
pub(super) fn demand_of_list(bucket: &str) -> Demand {
    demand("s3:ListBucket", bucket_arn(bucket))
}

pub(super) fn demand(action: &str, resource: String) -> Demand {
    Demand {
        action: action.to_owned(),
        resource,
    }
}
