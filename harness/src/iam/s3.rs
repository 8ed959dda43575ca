//! Authenticates calls of S3: signatures in the `Authorization` header, and presigned URLs.
//!
//! S3 has rules that other services lack. The body is not covered by the signature but by a hash
//! that the caller gives, or not at all, so a call is authenticated before its body is read. All
//! `x-amz-` headers must be signed. A presigned URL says how long it is valid, and has the
//! permissions of its signer when it is used.

use std::collections::BTreeMap;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderMap, HeaderName, header::AUTHORIZATION, request::Parts};
use percent_encoding::percent_decode_str;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::{
    Access, Caller, IamError, Request, Service, Signatures,
    signature::{ALGORITHM, Claim, DATE, MOMENT, TOKEN, TOLERANCE, signature},
};
use crate::stack::REGION;

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// The longest life of a presigned URL: seven days.
const LONGEST_SECONDS: i64 = 604_800;
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
                        provided. Check your key and signing method.";

/// An authenticated call of S3.
#[derive(Clone, Debug)]
pub(crate) struct SignedCall {
    pub caller: Caller,
    /// The time since it was signed.
    pub age: Duration,
    /// The hash that the body must have, in lower-case hexadecimal digits. `None` if the caller did
    /// not sign one.
    pub sha256: Option<String>,
}

/// The parameters `X-Amz-…` of a presigned URL. Of a repeated one, the first counts; the signature
/// covers them all.
struct Presigned(BTreeMap<String, String>);

impl Presigned {
    fn of(query: &str) -> Self {
        let mut parameters = BTreeMap::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if name.starts_with("X-Amz-") {
                let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
                parameters.entry(name.to_owned()).or_insert(value);
            }
        }
        Self(parameters)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn required(&self, name: &str) -> Result<&str, IamError> {
        self.get(name).ok_or_else(|| {
            IamError::Incomplete(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                 X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
                 X-Amz-Expires parameters."
                    .to_owned(),
            )
        })
    }

    fn claim(&self) -> Result<Claim<'_>, IamError> {
        if self.required("X-Amz-Algorithm")? != ALGORITHM {
            return Err(IamError::Incomplete(format!(
                "X-Amz-Algorithm only supports \"{ALGORITHM}\""
            )));
        }
        Claim::of(
            self.required("X-Amz-Credential")?,
            self.required("X-Amz-SignedHeaders")?,
            self.required("X-Amz-Signature")?,
        )
    }

    /// Returns how long the URL is valid.
    fn life(&self) -> Result<Duration, IamError> {
        let seconds = self.required("X-Amz-Expires")?;
        let seconds: i64 = seconds
            .parse()
            .map_err(|_| IamError::Incomplete("X-Amz-Expires should be a number".to_owned()))?;
        match seconds {
            0..=LONGEST_SECONDS => Ok(Duration::seconds(seconds)),
            ..0 => Err(IamError::Incomplete(
                "X-Amz-Expires must be non-negative".to_owned(),
            )),
            _ => Err(IamError::Incomplete(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given \
                 X-Amz-Expires must be less than 604800 seconds"
                    .to_owned(),
            )),
        }
    }
}

impl Access {
    /// Whether the access key that a request names exists.
    pub(crate) fn knows_key_of(&self, request: &Parts) -> bool {
        let presigned = Presigned::of(request.uri.query().unwrap_or_default());
        let claim = if presigned.is_empty() {
            Claim::read(&request.headers)
        } else {
            presigned.claim()
        };
        claim.is_ok_and(|claim| self.credentials_of(claim.access_key_id).is_some())
    }

    /// Returns the caller of a request to S3 whose body has not been read, if the signature is
    /// valid at `now`.
    ///
    /// # Errors
    /// Fails if the signature is not valid.
    pub(crate) fn authenticate_s3(
        &self,
        request: &Parts,
        now: OffsetDateTime,
    ) -> Result<SignedCall, IamError> {
        let query = request.uri.query().unwrap_or_default();
        let presigned = Presigned::of(query);
        let in_query = !presigned.is_empty();
        let claim = if in_query {
            if request.headers.contains_key(AUTHORIZATION) {
                return Err(IamError::Incomplete(
                    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
                     Signature query string parameter or the Authorization header should be \
                     specified"
                        .to_owned(),
                ));
            }
            presigned.claim()
        } else {
            Claim::read(&request.headers)
        };
        if self.signatures() == Signatures::Ignored {
            return Ok(SignedCall {
                caller: self.owner(claim.map_or("", |claim| claim.access_key_id)),
                age: Duration::ZERO,
                sha256: None,
            });
        }
        let claim = claim?;
        let moment = if in_query {
            presigned.required("X-Amz-Date")?
        } else {
            text(&request.headers, &DATE).ok_or(IamError::Missing)?
        };
        let signed = when(&claim, moment)?;
        require_scope(&claim)?;
        if in_query {
            let life = presigned.life()?;
            if signed > now + TOLERANCE {
                return Err(IamError::Outdated("Request is not valid yet"));
            }
            if signed + life < now {
                return Err(IamError::Outdated("Request has expired"));
            }
        } else if (now - signed).abs() > TOLERANCE {
            return Err(IamError::Outdated(
                "The difference between the request time and the current time is too large.",
            ));
        }

        let (caller, credentials) = self
            .credentials_of(claim.access_key_id)
            .ok_or(IamError::Unrecognized)?;
        let token = if in_query {
            presigned.get("X-Amz-Security-Token")
        } else {
            text(&request.headers, &TOKEN)
        };
        let expected = credentials.session_token.as_deref().unwrap_or_default();
        let token = token.unwrap_or_default();
        if verify_slices_are_equal(token.as_bytes(), expected.as_bytes()).is_err() {
            return Err(IamError::Unrecognized);
        }

        let payload = payload(&request.headers, in_query)?;
        let canonical = Request::received(request, &[]);
        let canonical = canonical.canonical_of_s3(&claim.signed_headers, payload);
        let expected = signature(credentials, &Service::S3.to_string(), &canonical, moment);
        if verify_slices_are_equal(expected.as_bytes(), claim.signature.as_bytes()).is_err() {
            return Err(IamError::Invalid(MISMATCH.to_owned()));
        }
        require_signed_headers(&request.headers, &claim.signed_headers)?;
        Ok(SignedCall {
            caller: caller.clone(),
            age: (now - signed).max(Duration::ZERO),
            sha256: (payload != UNSIGNED).then(|| payload.to_owned()),
        })
    }
}

/// Returns the time of the signature. The scope has its date.
fn when(claim: &Claim<'_>, moment: &str) -> Result<OffsetDateTime, IamError> {
    let incomplete = |text: &str| IamError::Incomplete(text.to_owned());
    let signed = PrimitiveDateTime::parse(moment, MOMENT).map_err(|_| {
        incomplete("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    })?;
    if claim.date.len() != 8 || !moment.starts_with(claim.date) {
        return Err(incomplete(
            "Invalid credential date: it is not the same as X-Amz-Date",
        ));
    }
    Ok(signed.assume_utc())
}

fn require_scope(claim: &Claim<'_>) -> Result<(), IamError> {
    if claim.region != REGION {
        return Err(IamError::Incomplete(format!(
            "Error parsing the Credential; the region '{}' is wrong; expecting '{REGION}'",
            claim.region
        )));
    }
    if claim.service != "s3" {
        return Err(IamError::Incomplete(format!(
            "Error parsing the Credential; incorrect service \"{}\". This endpoint belongs to \
             \"s3\".",
            claim.service
        )));
    }
    Ok(())
}

/// Returns the hash of the body that the signature covers. Presigned URLs normally have none.
fn payload(headers: &HeaderMap, in_query: bool) -> Result<&str, IamError> {
    match text(headers, &CONTENT_SHA256) {
        Some(given) => Ok(given),
        None if in_query => Ok(UNSIGNED),
        None => Err(IamError::Incomplete(
            "Missing required header for this request: x-amz-content-sha256".to_owned(),
        )),
    }
}

/// Fails if the host or an `x-amz-` header is not signed: what a signature does not cover, others
/// who see the URL could choose.
fn require_signed_headers(headers: &HeaderMap, signed: &[&str]) -> Result<(), IamError> {
    let required = headers.keys().map(HeaderName::as_str);
    let required = required.filter(|name| name.starts_with("x-amz-") || *name == "host");
    let unsigned: Vec<_> = required.filter(|name| !signed.contains(name)).collect();
    if unsigned.is_empty() {
        Ok(())
    } else {
        Err(IamError::Unsigned(unsigned.join(", ")))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
