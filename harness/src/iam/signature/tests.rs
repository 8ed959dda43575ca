//! Signatures from AWS's documentation, and changed requests, which must not verify.

use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2015-08-30 12:36:00 UTC);

fn example(token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: token.map(str::to_owned),
    }
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// Requests and signatures from AWS's test suite and documentation.
#[test]
fn the_examples_of_aws_are_verified() {
    let form = "application/x-www-form-urlencoded";
    let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    type Example<'a> = (
        &'a str,
        &'a str,
        &'a str,
        &'a [(&'static str, &'a str)],
        &'a str,
        &'a str,
    );
    let table: [Example<'_>; 13] = [
        ("GET", "/", "", &[], "", vanilla),
        ("GET", "/example/..", "", &[], "", vanilla),
        ("GET", "//", "", &[], "", vanilla),
        ("GET", "/./", "", &[], "", vanilla),
        (
            "GET",
            "//example//",
            "",
            &[],
            "",
            "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
        ),
        (
            "GET",
            "/example space/",
            "",
            &[],
            "",
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        ),
        (
            "GET",
            "/\u{1234}",
            "",
            &[],
            "",
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        ),
        (
            "GET",
            "/",
            "Param2=value2&Param1=value1",
            &[],
            "",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "GET",
            "/",
            "",
            &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
            "",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "GET",
            "/",
            "",
            &[
                ("my-header1", "value2"),
                ("my-header1", "value2"),
                ("my-header1", "value1"),
            ],
            "",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "POST",
            "/",
            "",
            &[],
            "",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "POST",
            "/",
            "",
            &[("content-type", form)],
            "Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "POST",
            "/",
            "",
            &[("x-amz-security-token", token)],
            "",
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ),
    ];
    for (method, path, query, more, body, signature) in table {
        let mut headers = headers(&[
            ("host", "example.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ]);
        headers.extend(self::headers(more));
        let mut signed: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        signed.sort_unstable();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders={}, Signature={signature}",
            signed.join(";")
        );
        let token = more.iter().find(|(name, _)| *name == TOKEN);
        let request = Request {
            method,
            path,
            query,
            headers: &headers,
            body: body.as_bytes(),
        };
        let carrier = self::headers(&[("authorization", &authorization)]);
        assert_eq!(
            Claim::read(&carrier).unwrap().verify(
                &request,
                "service",
                &example(token.map(|(_, token)| *token)),
                NOW
            ),
            Ok(()),
            "{method} {path} {query} {more:?}"
        );
    }
}

/// Returns the error for a signed call of the management API after one change.
fn error_after(change: impl FnOnce(&mut reqwest::Request), now: OffsetDateTime) -> String {
    let url = "http://127.0.0.1:3001/dev/@connections/BFHPhfCWIAMCKlQ%3D?a=b";
    let client = reqwest::Client::new();
    let mut request = client
        .post(url)
        .header("x-other", "1")
        .body("hello")
        .build()
        .unwrap();
    let credentials = example(Some("token"));
    sign(&credentials, Service::ExecuteApi, &mut request, NOW);
    change(&mut request);
    let verified = Claim::read(request.headers()).and_then(|claim| {
        let received = Request {
            method: request.method().as_str(),
            path: request.url().path(),
            query: request.url().query().unwrap_or_default(),
            headers: request.headers(),
            body: request.body().and_then(reqwest::Body::as_bytes).unwrap(),
        };
        claim.verify(&received, "execute-api", &credentials, now)
    });
    match verified {
        Ok(()) => "nothing".to_owned(),
        Err(error) => format!("{}: {error}", error.kind()),
    }
}

fn set(request: &mut reqwest::Request, name: &'static str, value: &str) {
    request
        .headers_mut()
        .insert(name, HeaderValue::from_str(value).unwrap());
}

/// Changes the `Authorization` header.
fn rewrite(request: &mut reqwest::Request, from: &str, to: &str) {
    let header = request.headers()[AUTHORIZATION]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(header.contains(from), "{header}");
    set(request, "authorization", &header.replacen(from, to, 1));
}

#[test]
fn every_signed_part_of_a_request_is_verified() {
    let mismatch = "InvalidSignatureException: The request signature we calculated does not match";
    type Change = fn(&mut reqwest::Request);
    let table: [(&str, Change, &str); 18] = [
        ("nothing", |_| {}, "nothing"),
        (
            "a header that is not signed",
            |request| set(request, "x-new", "1"),
            "nothing",
        ),
        (
            "method",
            |request| *request.method_mut() = reqwest::Method::DELETE,
            mismatch,
        ),
        (
            "path",
            |request| request.url_mut().set_path("/prod/@connections/x"),
            mismatch,
        ),
        (
            "query",
            |request| request.url_mut().set_query(None),
            mismatch,
        ),
        (
            "body",
            |request| *request.body_mut() = Some("hallo".into()),
            mismatch,
        ),
        (
            "host",
            |request| set(request, "host", "127.0.0.1:3002"),
            mismatch,
        ),
        ("header", |request| set(request, "x-other", "2"), mismatch),
        (
            "second",
            |request| set(request, "x-amz-date", "20150830T123601Z"),
            mismatch,
        ),
        (
            "day",
            |request| set(request, "x-amz-date", "20150831T123600Z"),
            "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
             from HTTP: '20150830' != '20150831', from '20150831T123600Z'.",
        ),
        (
            "session token",
            |request| set(request, "x-amz-security-token", "other"),
            "UnrecognizedClientException: The security token included in the request is invalid.",
        ),
        (
            "region",
            |request| rewrite(request, "us-east-1", "eu-west-1"),
            "InvalidSignatureException: Credential should be scoped to a valid region, not 'eu-west-1'.",
        ),
        (
            "service",
            |request| rewrite(request, "execute-api", "dynamodb"),
            "InvalidSignatureException: Credential should be scoped to correct service: 'execute-api'.",
        ),
        (
            "unsigned host",
            |request| rewrite(request, "host;", ""),
            "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader'",
        ),
        (
            "a header that is signed twice",
            |request| rewrite(request, "host;", "host;host;"),
            "IncompleteSignatureException: SignedHeaders must name each header once.",
        ),
        (
            "scope",
            |request| rewrite(request, "/aws4_request", ""),
            "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements",
        ),
        (
            "no signature",
            |request| rewrite(request, "Signature=", "Sign="),
            "IncompleteSignatureException: Authorization header requires 'Signature' parameter.",
        ),
        (
            "another kind of authorization",
            |request| set(request, "authorization", "Bearer x"),
            "MissingAuthenticationTokenException: Missing Authentication Token",
        ),
    ];
    for (name, change, expected) in table {
        let error = error_after(change, NOW);
        assert!(error.starts_with(expected), "{name}: {error}");
    }
}

#[test]
fn a_signature_is_valid_fifteen_minutes_before_and_after_its_time() {
    let table = [
        (Duration::minutes(15), "nothing"),
        (Duration::minutes(-15), "nothing"),
        (
            Duration::seconds(15 * 60 + 1),
            "InvalidSignatureException: Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z \
             (20150830T125101Z - 15 min.)",
        ),
        (
            Duration::seconds(-15 * 60 - 1),
            "InvalidSignatureException: Signature not yet current: 20150830T123600Z is still later than \
             20150830T123559Z (20150830T122059Z + 15 min.)",
        ),
    ];
    for (later, expected) in table {
        assert_eq!(error_after(|_| {}, NOW + later), expected);
    }
}
