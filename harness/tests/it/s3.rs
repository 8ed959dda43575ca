//! S3: uploads and downloads with presigned URLs, permissions, and what is kept.

use std::{path::Path, time::Duration};

use harness::{iam::Credentials, s3::Objects, stack::Bucket};
use reqwest::{Method, Response};

use crate::{
    gateway::http,
    s3_world::{LIFE, Signer, World, code, sha256},
};

const BODY: &str = "a photograph";

/// The headers that the chat's uploads have.
fn upload_headers(checksum: &str) -> [(&'static str, String); 6] {
    [
        ("content-length", BODY.len().to_string()),
        ("content-type", "image/png".to_owned()),
        (
            "content-disposition",
            "attachment; filename*=UTF-8''%C3%A4.png".to_owned(),
        ),
        (
            "cache-control",
            "private, max-age=31536000, immutable".to_owned(),
        ),
        ("x-amz-checksum-sha256", checksum.to_owned()),
        ("if-none-match", "*".to_owned()),
    ]
}

async fn upload(url: &str, headers: &[(&str, &str)], body: &'static str) -> Response {
    let mut call = http().put(url).body(body);
    for (name, value) in headers {
        if *name != "content-length" {
            call = call.header(*name, *value);
        }
    }
    call.send().await.unwrap()
}

fn texts<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

#[tokio::test]
async fn a_presigned_upload_is_stored_once_and_downloaded_with_its_headers() {
    let world = World::new().await;
    let headers = upload_headers(&sha256(BODY.as_bytes()));
    let headers = texts(&headers);
    let key = "c/%C3%A4%20photo/one.png";
    let url = world.presigned(&Method::PUT, key, &headers);
    let stored = upload(&url, &headers, BODY).await;
    assert_eq!(stored.status(), 200);
    assert_eq!(stored.headers()["x-amz-checksum-sha256"], headers[4].1);
    let again = upload(&url, &headers, BODY).await;
    assert_eq!(code(again).await, (412, "PreconditionFailed".to_owned()));

    let get = world.presigned(&Method::GET, key, &[]);
    let response = http().get(&get).send().await.unwrap();
    assert_eq!(response.status(), 200);
    for (name, value) in &headers[..4] {
        assert_eq!(response.headers()[*name], value, "{name}");
    }
    let etag = response.headers()["etag"].clone();
    assert_eq!(etag, format!("\"{:x}\"", md5::compute(BODY)));
    assert_eq!(response.text().await.unwrap(), BODY);

    let part = http()
        .get(&get)
        .header("range", "bytes=2-6")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-6/12");
    assert_eq!(part.text().await.unwrap(), "photo");
    let outside = http()
        .get(&get)
        .header("range", "bytes=12-")
        .send()
        .await
        .unwrap();
    assert_eq!(code(outside).await, (416, "InvalidRange".to_owned()));
    let known = http()
        .get(&get)
        .header("if-none-match", &etag)
        .send()
        .await
        .unwrap();
    assert_eq!(known.status(), 304);
    let modified = http()
        .get(&get)
        .header("if-match", "\"x\"")
        .send()
        .await
        .unwrap();
    assert_eq!(code(modified).await, (412, "PreconditionFailed".to_owned()));

    let head = http()
        .head(world.presigned(&Method::HEAD, key, &[]))
        .send()
        .await
        .unwrap();
    assert_eq!(head.headers()["content-length"], "12");
    let other = world.object("c/photo?response-content-type=text%2Fplain");
    world.put("c/photo", "x").await;
    let other = Signer::administrator().presigned(&Method::GET, &other, &[], LIFE);
    let response = http().get(other).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain");
}

#[tokio::test]
async fn what_a_presigned_upload_signs_is_enforced_and_nothing_else_is_stored() {
    let world = World::new().await;
    let right = sha256(BODY.as_bytes());
    let headers = upload_headers(&right);
    let headers = texts(&headers);
    let url = world.presigned(&Method::PUT, "own/F", &headers);
    let changed = |name: &str, value: &'static str| {
        let mut changed: Vec<_> = headers.clone();
        changed.retain(|(it, _)| *it != name);
        if !value.is_empty() {
            changed.push((headers.iter().find(|it| it.0 == name).unwrap().0, value));
        }
        changed
    };
    let mismatch = (403, "SignatureDoesNotMatch".to_owned());
    for (name, value) in [
        ("content-type", "text/html"),
        ("content-disposition", "inline"),
        ("cache-control", "no-store"),
        ("x-amz-checksum-sha256", "AAAA"),
        ("if-none-match", ""),
    ] {
        let refused = upload(&url, &changed(name, value), BODY).await;
        assert_eq!(code(refused).await, mismatch, "{name}");
    }
    for body in ["a photograp", "a photographs", ""] {
        let refused = upload(&url, &headers, body).await;
        assert_eq!(code(refused).await, mismatch, "{body}");
    }
    let other_bytes = upload(&url, &headers, "A photograph").await;
    assert_eq!(code(other_bytes).await, (400, "BadDigest".to_owned()));
    let mut unsigned = headers.clone();
    unsigned.push(("x-amz-meta-by", "nobody"));
    let refused = upload(&url, &unsigned, BODY).await;
    assert_eq!(code(refused).await, (403, "AccessDenied".to_owned()));
    let elsewhere = url.replacen("/own/F", "/own/G", 1);
    assert_eq!(
        code(upload(&elsewhere, &headers, BODY).await).await,
        mismatch
    );

    let mut early = Signer::now(world.function("Files"));
    early.at -= Duration::from_secs(301);
    let expired = early.presigned(&Method::PUT, &world.object("own/F"), &headers, LIFE);
    let refused = upload(&expired, &headers, BODY).await;
    assert_eq!(refused.status(), 403);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("Request has expired")
    );
    for key in ["own/F", "own/G"] {
        assert_eq!(world.status(key).await, 404);
    }
    assert_eq!(upload(&url, &headers, BODY).await.status(), 200);
}

#[tokio::test]
async fn a_call_has_the_permissions_of_its_signer() {
    let world = World::new().await;
    world.put("own/F", "one").await;
    world.put("G", "two").await;
    let files = Signer::now(world.function("Files"));
    let idle = Signer::now(world.function("Idle"));
    let denied = (403, "AccessDenied".to_owned());
    let call = async |signer: &Signer, method: Method, url: String| {
        let url = signer.presigned(&method, &url, &[], LIFE);
        code(http().request(method, url).send().await.unwrap()).await
    };
    assert_eq!(call(&files, Method::GET, world.object("G")).await.0, 200);
    assert_eq!(call(&idle, Method::GET, world.object("G")).await, denied);
    assert_eq!(call(&idle, Method::PUT, world.object("H")).await, denied);
    assert_eq!(
        call(&files, Method::DELETE, world.object("G")).await,
        denied
    );
    assert_eq!(
        call(&files, Method::DELETE, world.object("own/F")).await.0,
        204
    );
    assert_eq!(
        call(&files, Method::DELETE, world.object("own/F")).await.0,
        204
    );
    // Only callers that may list a bucket learn that a key does not exist.
    assert_eq!(
        call(&files, Method::GET, world.object("own/F")).await,
        denied
    );
    let administrator = Signer::administrator();
    let missing = call(&administrator, Method::GET, world.object("own/F")).await;
    assert_eq!(missing, (404, "NoSuchKey".to_owned()));
    let url = format!("{}/other/F", world.url);
    let missing = call(&administrator, Method::GET, url.clone()).await;
    assert_eq!(missing, (404, "NoSuchBucket".to_owned()));
    assert_eq!(call(&files, Method::GET, url).await, denied);
    let unsigned = http().get(world.object("G")).send().await.unwrap();
    assert_eq!(code(unsigned).await, denied);

    let mut unknown = Credentials::administrator();
    unknown.access_key_id = "AKIDEXAMPLE".to_owned();
    let refused = call(&Signer::now(unknown), Method::GET, world.object("G")).await;
    assert_eq!(refused, (403, "InvalidAccessKeyId".to_owned()));
    let mut other_token = world.function("Files");
    other_token.session_token = Some("other".to_owned());
    let refused = call(&Signer::now(other_token), Method::GET, world.object("G")).await;
    assert_eq!(refused, (400, "InvalidToken".to_owned()));
}

#[tokio::test]
async fn what_the_harness_does_not_support_is_refused() {
    let world = World::new().await;
    world.put("F", "x").await;
    let administrator = Signer::administrator();
    let bucket = format!("{}/local-files", world.url);
    let table = [
        (
            Method::PUT,
            world.object("F"),
            ("x-amz-acl", "public-read"),
            501,
        ),
        (
            Method::PUT,
            world.object("F"),
            ("x-amz-tagging", "a=b"),
            501,
        ),
        (
            Method::PUT,
            world.object("F"),
            ("x-amz-copy-source", "/a/b"),
            501,
        ),
        (
            Method::PUT,
            world.object("F"),
            ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA="),
            501,
        ),
        (
            Method::PUT,
            world.object("F"),
            ("x-amz-checksum-sha256", "AAAA"),
            400,
        ),
        (
            Method::PUT,
            world.object("F"),
            ("x-amz-expected-bucket-owner", "1"),
            403,
        ),
        (
            Method::PUT,
            world.object("F"),
            ("if-none-match", "\"x\""),
            501,
        ),
        (Method::PUT, world.object("F"), ("content-md5", "AAAA"), 400),
        (
            Method::PUT,
            world.object("F?partNumber=1&uploadId=1"),
            ("x", "y"),
            501,
        ),
        (Method::POST, world.object("F?uploads="), ("x", "y"), 405),
        (Method::GET, world.object("F?versionId=1"), ("x", "y"), 501),
        (Method::GET, format!("{bucket}?acl="), ("x", "y"), 501),
        (Method::GET, bucket.clone(), ("x", "y"), 501),
        (Method::PUT, bucket.clone(), ("x", "y"), 405),
        (Method::DELETE, bucket, ("x", "y"), 405),
    ];
    for (method, url, header, expected) in table {
        let response = administrator
            .send(method.clone(), &url, &[header], "x")
            .await;
        assert_eq!(response.status(), expected, "{method} {url} {header:?}");
    }
    let body = administrator
        .send(Method::PUT, &world.object("F"), &[], "x")
        .await;
    assert_eq!(body.status(), 200);
    // hyper sends a body without a length in chunks.
    let chunks = reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, String>("x")]));
    let url = world.presigned(&Method::PUT, "F", &[]);
    let refused = http().put(url).body(chunks).send().await.unwrap();
    assert_eq!(
        code(refused).await,
        (411, "MissingContentLength".to_owned())
    );
}

#[tokio::test]
async fn a_policy_limits_the_age_of_signatures() {
    let minute = Duration::from_secs(60);
    let limit = |bucket: &mut Bucket| bucket.oldest_signature = Some(minute);
    let world = World::with(Objects::open(None).unwrap(), limit).await;
    let mut signer = Signer::administrator();
    let url = signer.presigned(&Method::PUT, &world.object("F"), &[], LIFE);
    assert_eq!(
        http().put(url).body("x").send().await.unwrap().status(),
        200
    );
    signer.at -= 2 * minute;
    let url = signer.presigned(&Method::GET, &world.object("F"), &[], LIFE);
    let refused = http().get(url).send().await.unwrap();
    assert_eq!(code(refused).await, (403, "AccessDenied".to_owned()));
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn objects_are_kept_in_their_folder_and_unfinished_uploads_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let world = World::with(Objects::open(Some(folder)).unwrap(), |_| {}).await;
    world.put("F", "old").await;
    world.put("F", "new").await;
    world.put("G", "other").await;
    assert_eq!(files(folder), 4);
    std::fs::write(folder.join("1.body"), "half of a body").unwrap();
    std::fs::write(folder.join("2.unfinished"), "{").unwrap();
    drop(world);

    let world = World::with(Objects::open(Some(folder)).unwrap(), |_| {}).await;
    assert_eq!(files(folder), 4);
    let url = world.presigned(&Method::GET, "F", &[]);
    let response = http().get(url).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "new");
    let url = Signer::administrator().presigned(&Method::DELETE, &world.object("G"), &[], LIFE);
    assert_eq!(http().delete(url).send().await.unwrap().status(), 204);
    assert_eq!(files(folder), 2);
}

#[tokio::test]
async fn all_objects_together_have_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::bounded(Some(folder.path()), 10).unwrap();
    let world = World::with(objects, |_| {}).await;
    world.put("F", "12345678").await;
    let url = Signer::administrator().presigned(&Method::PUT, &world.object("G"), &[], LIFE);
    let refused = http().put(&url).body("123").send().await.unwrap();
    assert_eq!(code(refused).await, (503, "SlowDown".to_owned()));
    assert_eq!(files(folder.path()), 2);
    assert_eq!(
        http().put(&url).body("12").send().await.unwrap().status(),
        200
    );
}
