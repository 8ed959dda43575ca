//! Signatures from AWS's documentation of S3, and changed requests, which must not verify.

use axum::http::Request as HttpRequest;
use time::macros::datetime;

use super::*;
use crate::iam::Credentials;

const NOW: OffsetDateTime = datetime!(2013-05-24 00:00:00 UTC);
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const SCOPE: &str = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
const URL: &str = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
    &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
    &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
    &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

fn access() -> Access {
    Access::of_one(
        Caller::Administrator,
        Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        },
    )
}

fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = HttpRequest::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

const HOST: (&str, &str) = ("host", "examplebucket.s3.amazonaws.com");

fn presigned(url: &str) -> Parts {
    request("GET", url, &[HOST])
}

#[test]
fn the_presigned_url_of_the_documentation_is_verified() {
    let call = access().authenticate_s3(&presigned(URL), NOW).unwrap();
    assert_eq!(call.caller, Caller::Administrator);
    assert_eq!(call.sha256, None);
    let later = NOW + Duration::seconds(86_400);
    let call = access().authenticate_s3(&presigned(URL), later).unwrap();
    assert_eq!(call.age, Duration::DAY);
}

#[test]
fn the_signed_headers_of_the_documentation_are_verified() {
    let body = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    type Example<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
    let table: [Example<'_>; 3] = [
        (
            "GET",
            "/test.txt",
            &[("range", "bytes=0-9"), ("x-amz-content-sha256", EMPTY)],
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test$file.text",
            &[
                ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-content-sha256", body),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/?max-keys=2&prefix=J",
            &[("x-amz-content-sha256", EMPTY)],
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ];
    for (method, url, more, signature) in table {
        let mut headers = vec![HOST, ("x-amz-date", "20130524T000000Z")];
        headers.extend(more);
        let mut names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let authorization = format!(
            "{ALGORITHM} Credential={SCOPE},SignedHeaders={},Signature={signature}",
            names.join(";")
        );
        headers.push(("authorization", &authorization));
        let call = access().authenticate_s3(&request(method, url, &headers), NOW);
        let expected = if method == "PUT" { body } else { EMPTY };
        assert_eq!(call.unwrap().sha256.as_deref(), Some(expected), "{url}");
    }
}

#[test]
fn every_part_of_a_presigned_url_is_verified() {
    let changed = |from: &str, to: &str| {
        assert!(URL.contains(from), "{from}");
        presigned(&URL.replacen(from, to, 1))
    };
    let mismatch = "The request signature we calculated does not match";
    let missing = "Query-string authentication version 4 requires";
    let table = [
        ("path", changed("test.txt", "tesu.txt"), mismatch),
        ("signature", changed("aeeed", "aeeee"), mismatch),
        ("life", changed("86400", "86401"), mismatch),
        (
            "another parameter",
            presigned(&format!("{URL}&a=b")),
            mismatch,
        ),
        ("method", request("PUT", URL, &[HOST]), mismatch),
        (
            "host",
            request("GET", URL, &[("host", "localhost")]),
            mismatch,
        ),
        ("key", changed("AKIAI", "AKIAJ"), "The security token"),
        (
            "region",
            changed("us-east-1", "eu-west-1"),
            "Error parsing the Credential; the region",
        ),
        (
            "service",
            changed("%2Fs3%2F", "%2Fsqs%2F"),
            "Error parsing the Credential; incorrect",
        ),
        (
            "scope",
            changed("%2Faws4_request", ""),
            "Credential must have exactly 5",
        ),
        (
            "date of the scope",
            changed("%2F20130524", "%2F20130525"),
            "Invalid credential date",
        ),
        (
            "date",
            changed("=20130524T000000Z", "=yesterday"),
            "X-Amz-Date must be",
        ),
        (
            "no date",
            changed("X-Amz-Date=20130524T000000Z&", ""),
            missing,
        ),
        (
            "no signature",
            changed("&X-Amz-Signature", "&X-Signature"),
            missing,
        ),
        ("no life", changed("&X-Amz-Expires=86400", ""), missing),
        (
            "no number",
            changed("=86400", "=1d"),
            "X-Amz-Expires should be a number",
        ),
        (
            "eight days",
            changed("=86400", "=691200"),
            "X-Amz-Expires must be less than a week",
        ),
        (
            "a negative life",
            changed("=86400", "=-1"),
            "X-Amz-Expires must be non-negative",
        ),
        (
            "algorithm",
            changed("AWS4-HMAC", "AWS3-HMAC"),
            "X-Amz-Algorithm only supports",
        ),
        (
            "two signatures",
            request("GET", URL, &[HOST, ("authorization", "AWS4-HMAC-SHA256 x")]),
            "Only one auth mechanism allowed",
        ),
        (
            "an unsigned header",
            request("GET", URL, &[HOST, ("x-amz-acl", "public-read")]),
            "There were headers present in the request which were not signed",
        ),
        (
            "nothing",
            presigned("/test.txt"),
            "Missing Authentication Token",
        ),
    ];
    for (name, request, expected) in table {
        let error = access().authenticate_s3(&request, NOW).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{name}: {error}");
    }
}

#[test]
fn a_presigned_url_is_valid_for_its_life() {
    let at = |now| {
        let verified = access().authenticate_s3(&presigned(URL), now);
        verified.map_or_else(|error| error.to_string(), |_| "valid".to_owned())
    };
    let life = Duration::seconds(86_400);
    assert_eq!(at(NOW - Duration::minutes(15)), "valid");
    assert_eq!(at(NOW - Duration::minutes(16)), "Request is not valid yet");
    assert_eq!(at(NOW + life), "valid");
    assert_eq!(at(NOW + life + Duration::SECOND), "Request has expired");
}
