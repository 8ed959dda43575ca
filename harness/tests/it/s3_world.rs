//! A bucket and its callers, for the tests of S3. AWS's own crate signs the requests.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
        SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use axum::http::Request;
use base64::{Engine, prelude::BASE64_STANDARD};
use harness::{
    faults::Faults,
    gateway::clock::Clock,
    iam::{Access, Credentials, Signatures},
    s3::{Objects, S3Api},
    stack::{Bucket, CorsRule},
};
use reqwest::{Method, Response};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::{
    access::{allow, function, stack},
    gateway::http,
};

pub const PAGE: &str = "http://localhost:3000";
const OBJECTS: &str = "arn:aws:s3:::local-files/*";
/// Far longer than a test takes.
pub const LIFE: Duration = Duration::from_secs(300);

/// One bucket, with a function that may read and write it, and one that may do nothing.
pub struct World {
    pub url: String,
    pub faults: Faults,
    pub clock: Clock,
    access: Access,
    _api: S3Api,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Objects::open(None).unwrap(), |_| {}).await
    }

    pub async fn with(objects: Objects, change: impl FnOnce(&mut Bucket)) -> Self {
        let stack = stack([
            function(
                "Files",
                &[
                    allow("s3:PutObject", OBJECTS),
                    allow("s3:GetObject", OBJECTS),
                    allow("s3:DeleteObject", &OBJECTS.replace('*', "own/*")),
                ],
            ),
            function("Idle", &[]),
        ]);
        let mut bucket = Bucket {
            logical_id: "Files".to_owned(),
            name: "local-files".to_owned(),
            cors: vec![CorsRule {
                origins: vec![PAGE.to_owned(), "https://*.example.com".to_owned()],
                methods: vec!["GET".to_owned(), "PUT".to_owned()],
                headers: vec!["content-*".to_owned(), "X-Amz-Checksum-Sha256".to_owned()],
                exposed_headers: vec!["ETag".to_owned()],
                max_age: Some(Duration::from_secs(600)),
            }],
            oldest_signature: None,
        };
        change(&mut bucket);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let access = Access::from_stack(&stack, Signatures::Verified);
        let clock = Clock::default();
        let faults = Faults::new(clock.clone());
        let api = S3Api::open(
            vec![listener],
            objects,
            &[bucket],
            access.clone(),
            faults.clone(),
        );
        Self {
            url,
            faults,
            clock,
            access,
            _api: api,
        }
    }

    pub fn object(&self, key: &str) -> String {
        format!("{}/local-files/{key}", self.url)
    }

    pub fn function(&self, name: &str) -> Credentials {
        self.access.credentials(name).unwrap().clone()
    }

    /// Presigns a call of the function `Files`.
    pub fn presigned(&self, method: &Method, key: &str, headers: &[(&str, &str)]) -> String {
        let signer = Signer::now(self.function("Files"));
        signer.presigned(method, &self.object(key), headers, LIFE)
    }

    /// Stores an object as the administrator.
    pub async fn put(&self, key: &str, body: &'static str) {
        let url = Signer::administrator().presigned(&Method::PUT, &self.object(key), &[], LIFE);
        let response = http().put(url).body(body).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }

    /// Returns the status of an object, as the administrator sees it.
    pub async fn status(&self, key: &str) -> u16 {
        let url = Signer::administrator().presigned(&Method::HEAD, &self.object(key), &[], LIFE);
        http().head(url).send().await.unwrap().status().as_u16()
    }
}

/// Signs with AWS's own crate.
pub struct Signer {
    credentials: Credentials,
    pub at: SystemTime,
}

impl Signer {
    pub fn now(credentials: Credentials) -> Self {
        Self {
            credentials,
            at: SystemTime::now(),
        }
    }

    pub fn administrator() -> Self {
        Self::now(Credentials::administrator())
    }

    fn sign(&self, settings: SigningSettings, body: SignableBody<'_>, request: &mut Request<()>) {
        let Credentials {
            access_key_id,
            secret_access_key,
            session_token,
        } = self.credentials.clone();
        let identity = AwsCredentials::new(
            access_key_id,
            secret_access_key,
            session_token,
            None,
            "test",
        );
        let identity = identity.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("s3")
            .time(self.at)
            .settings(settings)
            .build()
            .unwrap();
        let uri = request.uri().to_string();
        let headers = request.headers().iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let method = request.method().as_str();
        let signable = SignableRequest::new(method, uri, headers.into_iter(), body).unwrap();
        let signed = sign(signable, &parameters.into()).unwrap();
        let (instructions, _) = signed.into_parts();
        instructions.apply_to_request_http1x(request);
    }

    /// Returns the presigned URL of a call with these headers.
    pub fn presigned(
        &self,
        method: &Method,
        url: &str,
        headers: &[(&str, &str)],
        life: Duration,
    ) -> String {
        let mut settings = settings();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(life);
        let mut request = request(method, url, headers);
        self.sign(settings, SignableBody::UnsignedPayload, &mut request);
        request.uri().to_string()
    }

    /// Sends a call that is signed with its body.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut settings = settings();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let mut request = request(&method, url, headers);
        self.sign(settings, SignableBody::Bytes(body.as_bytes()), &mut request);
        let call = http().request(method, url);
        let call = call.headers(request.headers().clone());
        call.body(body.to_owned()).send().await.unwrap()
    }
}

/// As SDKs sign for S3.
fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

fn request(method: &Method, url: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method.as_str()).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// Returns the code of an error.
pub async fn code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    (
        status,
        code.map_or(text.clone(), |(code, _)| code.to_owned()),
    )
}

pub fn sha256(body: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(body))
}
