//! The errors of S3, in its words.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use serde::Serialize;

use super::xml;
use crate::iam::IamError;

/// Why a call fails. `Display` is the message for the caller.
#[derive(Debug, thiserror::Error)]
pub(super) enum S3Error {
    #[error("The specified bucket does not exist")]
    NoSuchBucket(String),
    #[error("The specified key does not exist.")]
    NoSuchKey(String),
    #[error("Couldn't parse the specified URI.")]
    InvalidUri,
    #[error("Your key is too long")]
    KeyTooLong,
    #[error("The specified method is not allowed against this resource.")]
    MethodNotAllowed,
    #[error("A header you provided implies functionality that is not implemented")]
    NotImplemented { header: String },
    #[error("The harness does not support {0}")]
    Unsupported(String),
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{message}")]
    InvalidArgument { name: String, message: String },
    #[error("You must provide the Content-Length HTTP header.")]
    MissingContentLength,
    #[error("Your metadata headers exceed the maximum allowed metadata size")]
    MetadataTooLarge,
    #[error("Your proposed upload exceeds the maximum allowed size")]
    EntityTooLarge,
    #[error("You did not provide the number of bytes specified by the Content-Length HTTP header")]
    IncompleteBody,
    #[error("{0}")]
    BadDigest(String),
    #[error("The Content-MD5 you specified was invalid.")]
    InvalidDigest,
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    ContentHashMismatch,
    #[error("At least one of the pre-conditions you specified did not hold")]
    PreconditionFailed(&'static str),
    #[error("Not Modified")]
    NotModified { etag: String },
    #[error("The requested range is not satisfiable")]
    InvalidRange { size: u64 },
    #[error(
        "The XML you provided was not well-formed or did not validate against our published schema"
    )]
    MalformedXml,
    #[error("CORSResponse: {0}")]
    Cors(&'static str),
    #[error("Insufficient information. Origin request header needed.")]
    NoOrigin,
    #[error("Access Denied")]
    AccessDenied,
    /// The signature is older than the bucket's policy accepts.
    #[error("Access Denied: the bucket's policy denies signatures of this age")]
    OldSignature,
    /// `known` says whether the access key exists.
    #[error("{}", admission(.cause, *.known))]
    NotAdmitted { cause: IamError, known: bool },
    #[error("Please reduce your request rate.")]
    SlowDown,
    #[error("We encountered an internal error. Please try again.")]
    Internal,
    /// No answer: the connection breaks.
    #[error("the connection breaks on purpose")]
    Cut,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    argument_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers_not_signed: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual_object_size: Option<u64>,
    request_id: &'a str,
    host_id: &'a str,
}

impl S3Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchBucket(_) | Self::NoSuchKey(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotImplemented { .. } | Self::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
            Self::MissingContentLength => StatusCode::LENGTH_REQUIRED,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::NotModified { .. } => StatusCode::NOT_MODIFIED,
            Self::InvalidRange { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Cors(_) | Self::AccessDenied | Self::OldSignature => StatusCode::FORBIDDEN,
            Self::NotAdmitted { cause, known } => match cause {
                IamError::Incomplete(_) => StatusCode::BAD_REQUEST,
                IamError::Unrecognized if *known => StatusCode::BAD_REQUEST,
                _ => StatusCode::FORBIDDEN,
            },
            Self::SlowDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal | Self::Cut => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Returns the name of the error in SDKs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchBucket(_) => "NoSuchBucket",
            Self::NoSuchKey(_) => "NoSuchKey",
            Self::InvalidUri => "InvalidURI",
            Self::KeyTooLong => "KeyTooLongError",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotImplemented { .. } | Self::Unsupported(_) => "NotImplemented",
            Self::InvalidRequest(_) => "InvalidRequest",
            Self::InvalidArgument { .. } => "InvalidArgument",
            Self::MissingContentLength => "MissingContentLength",
            Self::MetadataTooLarge => "MetadataTooLarge",
            Self::EntityTooLarge => "EntityTooLarge",
            Self::IncompleteBody => "IncompleteBody",
            Self::BadDigest(_) => "BadDigest",
            Self::InvalidDigest => "InvalidDigest",
            Self::ContentHashMismatch => "XAmzContentSHA256Mismatch",
            Self::PreconditionFailed(_) => "PreconditionFailed",
            Self::NotModified { .. } => "NotModified",
            Self::InvalidRange { .. } => "InvalidRange",
            Self::MalformedXml => "MalformedXML",
            Self::Cors(_) => "AccessForbidden",
            Self::NoOrigin => "BadRequest",
            Self::AccessDenied | Self::OldSignature => "AccessDenied",
            Self::NotAdmitted { cause, known } => match cause {
                IamError::Missing | IamError::Unsigned(_) | IamError::Denied(_) => "AccessDenied",
                IamError::Incomplete(_) => "AuthorizationParametersError",
                IamError::Unrecognized if *known => "InvalidToken",
                IamError::Unrecognized => "InvalidAccessKeyId",
                IamError::Invalid(_) => "SignatureDoesNotMatch",
                IamError::Outdated(text) if text.starts_with("Request") => "AccessDenied",
                IamError::Outdated(_) => "RequestTimeTooSkewed",
            },
            Self::SlowDown => "SlowDown",
            Self::Internal | Self::Cut => "InternalError",
        }
    }

    /// Returns the answer.
    pub fn response(&self, request_id: &str) -> Response {
        let status = self.status();
        if let Self::NotModified { etag } = self {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            if let Ok(etag) = HeaderValue::from_str(etag) {
                response.headers_mut().insert("etag", etag);
            }
            return response;
        }
        let message = self.to_string();
        let document = Document {
            code: self.code(),
            message: &message,
            bucket_name: match self {
                Self::NoSuchBucket(name) => Some(name),
                _ => None,
            },
            key: match self {
                Self::NoSuchKey(key) => Some(key),
                _ => None,
            },
            argument_name: match self {
                Self::InvalidArgument { name, .. } => Some(name),
                _ => None,
            },
            header: match self {
                Self::NotImplemented { header } => Some(header),
                _ => None,
            },
            condition: match self {
                Self::PreconditionFailed(condition) => Some(condition),
                _ => None,
            },
            headers_not_signed: match self {
                Self::NotAdmitted {
                    cause: IamError::Unsigned(names),
                    ..
                } => Some(names),
                _ => None,
            },
            actual_object_size: match self {
                Self::InvalidRange { size } => Some(*size),
                _ => None,
            },
            request_id,
            host_id: "local",
        };
        let mut response = Response::new(Body::from(xml::document("Error", &document)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        if let Self::InvalidRange { size } = self
            && let Ok(range) = HeaderValue::from_str(&format!("bytes */{size}"))
        {
            headers.insert("content-range", range);
        }
        response
    }
}

fn admission(cause: &IamError, known: bool) -> String {
    match cause {
        IamError::Missing => "Access Denied".to_owned(),
        IamError::Unrecognized if known => {
            "The provided token is malformed or otherwise invalid.".to_owned()
        }
        IamError::Unrecognized => {
            "The AWS Access Key Id you provided does not exist in our records.".to_owned()
        }
        other => other.to_string(),
    }
}
