//! Signs and verifies requests: version 4, in the `Authorization` header. `s3` verifies those of
//! S3, which has rules of its own.
//!
//! No crate does this: clients must see AWS's own error texts, which crates for verification lack,
//! and the harness depends on no AWS crate. The tests contain AWS's examples.

use std::{collections::BTreeSet, fmt};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, HOST},
};
use time::{
    Duration, OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem,
    macros::format_description,
};

use super::{
    Credentials, IamError, Request,
    canonical::{hexadecimal, sha256},
};
use crate::stack::REGION;

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(super) const TERMINATOR: &str = "aws4_request";
pub(super) const DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(super) const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
pub(super) const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
/// How much the clocks of the caller and the service may differ.
pub(super) const TOLERANCE: Duration = Duration::minutes(15);

/// A service with signed calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// DynamoDB and its streams.
    DynamoDb,
    /// The management API of API Gateway.
    ExecuteApi,
    /// Lambda.
    Lambda,
    /// S3.
    S3,
    /// SQS.
    Sqs,
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::DynamoDb => "dynamodb",
            Self::ExecuteApi => "execute-api",
            Self::Lambda => "lambda",
            Self::S3 => "s3",
            Self::Sqs => "sqs",
        })
    }
}

/// The fields of the `Authorization` header, or of the query of a presigned URL.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) signed_headers: Vec<&'a str>,
    pub(super) signature: &'a str,
}

impl<'a> Claim<'a> {
    /// Reads `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=a;b,
    /// Signature=HEX`.
    ///
    /// # Errors
    /// [`IamError::Missing`] without such a header, [`IamError::Incomplete`] if it lacks a field.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, IamError> {
        let fields = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix(ALGORITHM))
            .ok_or(IamError::Missing)?;
        let field = |name: &str| {
            fields
                .split(',')
                .filter_map(|field| field.trim().split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
                .ok_or_else(|| {
                    IamError::Incomplete(format!(
                        "Authorization header requires '{name}' parameter."
                    ))
                })
        };
        let names = field("SignedHeaders");
        Self::of(field("Credential")?, names?, field("Signature")?)
    }

    /// Reads the fields, wherever they are written.
    ///
    /// # Errors
    /// [`IamError::Incomplete`] if a field has another form.
    pub(super) fn of(
        credential: &'a str,
        signed_headers: &'a str,
        signature: &'a str,
    ) -> Result<Self, IamError> {
        let scope: Vec<_> = credential.split('/').collect();
        let [access_key_id, date, region, service, TERMINATOR] = scope[..] else {
            return Err(IamError::Incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/{TERMINATOR}"
            )));
        };
        let signed_headers: Vec<_> = signed_headers.split(';').collect();
        // Each name adds the header's whole value to the text that is hashed.
        if BTreeSet::from_iter(&signed_headers).len() < signed_headers.len() {
            return Err(IamError::Incomplete(
                "SignedHeaders must name each header once.".to_owned(),
            ));
        }
        Ok(Self {
            access_key_id,
            date,
            region,
            service,
            signed_headers,
            signature,
        })
    }

    /// Verifies that `request`, which has this claim, is signed with `credentials` for `service` at
    /// a time near `now`.
    ///
    /// # Errors
    /// Fails at the first check that does not hold.
    pub(super) fn verify(
        &self,
        request: &Request<'_>,
        service: &str,
        credentials: &Credentials,
        now: OffsetDateTime,
    ) -> Result<(), IamError> {
        let given = request.headers.get(&TOKEN).map(HeaderValue::as_bytes);
        let token = credentials.session_token.as_deref().unwrap_or_default();
        if verify_slices_are_equal(given.unwrap_or_default(), token.as_bytes()).is_err() {
            return Err(IamError::Unrecognized);
        }
        if self.region != REGION {
            return Err(IamError::Invalid(format!(
                "Credential should be scoped to a valid region, not '{}'.",
                self.region
            )));
        }
        if self.service != service {
            return Err(IamError::Invalid(format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        if !self.signed_headers.contains(&"host") {
            return Err(IamError::Invalid(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
                    .to_owned(),
            ));
        }
        let moment = self.moment(request.headers, now)?;
        let canonical = request.canonical(&self.signed_headers);
        let expected = signature(credentials, service, &canonical, moment);
        verify_slices_are_equal(expected.as_bytes(), self.signature.as_bytes()).map_err(|_| {
            IamError::Invalid(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details."
                    .to_owned(),
            )
        })
    }

    /// Returns `X-Amz-Date`, if it is near `now` and has the date of the claim.
    fn moment<'h>(&self, headers: &'h HeaderMap, now: OffsetDateTime) -> Result<&'h str, IamError> {
        let incomplete = || {
            IamError::Incomplete(format!(
                "Authorization header requires existence of a 'X-Amz-Date' header of the form {}.",
                "YYYYMMDD'T'HHMMSS'Z'"
            ))
        };
        let text = headers
            .get(&DATE)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(incomplete)?;
        let moment = PrimitiveDateTime::parse(text, MOMENT)
            .map_err(|_| incomplete())?
            .assume_utc();
        if !text.starts_with(self.date) || self.date.len() != 8 {
            return Err(IamError::Invalid(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{:.8}', \
                 from '{text}'.",
                self.date, text
            )));
        }
        if moment < now - TOLERANCE {
            return Err(IamError::Invalid(format!(
                "Signature expired: {text} is now earlier than {} ({} - 15 min.)",
                written(now - TOLERANCE),
                written(now)
            )));
        }
        if moment > now + TOLERANCE {
            return Err(IamError::Invalid(format!(
                "Signature not yet current: {text} is still later than {} ({} + 15 min.)",
                written(now + TOLERANCE),
                written(now)
            )));
        }
        Ok(text)
    }
}

/// Signs `request`: adds the host, the date, the session token and the signature. The signature
/// covers all headers and the body, which must not be a stream.
pub fn sign(
    credentials: &Credentials,
    service: Service,
    request: &mut reqwest::Request,
    now: OffsetDateTime,
) {
    let moment = written(now);
    let host = request.url().authority().to_owned();
    let given = [
        (HOST, Some(host.as_str())),
        (DATE, Some(&moment)),
        (TOKEN, credentials.session_token.as_deref()),
    ];
    for (name, value) in given {
        if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
            request.headers_mut().insert(name, value);
        }
    }
    let mut signed_headers: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
    signed_headers.sort_unstable();
    let covered = Request {
        method: request.method().as_str(),
        path: request.url().path(),
        query: request.url().query().unwrap_or_default(),
        headers: request.headers(),
        body: request
            .body()
            .and_then(reqwest::Body::as_bytes)
            .unwrap_or_default(),
    };
    let service = service.to_string();
    let canonical = covered.canonical(&signed_headers);
    let signature = signature(credentials, &service, &canonical, &moment);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{moment:.8}/{REGION}/{service}/{TERMINATOR}, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        signed_headers.join(";")
    );
    if let Ok(value) = HeaderValue::from_str(&authorization) {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

/// Returns the signature of a canonical request in hexadecimal digits. `moment` is `X-Amz-Date`,
/// which begins with the date.
pub(super) fn signature(
    credentials: &Credentials,
    service: &str,
    canonical: &str,
    moment: &str,
) -> String {
    let scope = format!("{moment:.8}/{REGION}/{service}/{TERMINATOR}");
    let text = format!(
        "{ALGORITHM}\n{moment}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    let first = hmac::Key::new(
        hmac::HMAC_SHA256,
        format!("AWS4{}", credentials.secret_access_key).as_bytes(),
    );
    let key = scope.split('/').fold(first, |key, part| {
        hmac::Key::new(
            hmac::HMAC_SHA256,
            hmac::sign(&key, part.as_bytes()).as_ref(),
        )
    });
    hexadecimal(hmac::sign(&key, text.as_bytes()).as_ref())
}

fn written(moment: OffsetDateTime) -> String {
    // Fails only for years with more than four digits.
    moment.format(MOMENT).unwrap_or_default()
}

#[cfg(test)]
mod tests;
