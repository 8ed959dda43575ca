//! S3: requests of web pages, and faults.

use std::time::Duration;

use harness::{faults::Plan, s3::Objects, stack::Bucket};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;

use crate::{
    gateway::http,
    s3_world::{LIFE, PAGE, Signer, World, code},
};

fn preflight(world: &World, origin: &str, method: &str, headers: &str) -> RequestBuilder {
    http()
        .request(Method::OPTIONS, world.object("F"))
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", headers)
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn preflights_are_answered_by_the_rules_of_the_bucket() {
    let world = World::new().await;
    let headers = "content-type,x-amz-checksum-sha256";
    for origin in [PAGE, "https://chat.example.com"] {
        let response = preflight(&world, origin, "PUT", headers)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{origin}");
        assert_eq!(
            header(&response, "access-control-allow-origin"),
            Some(origin)
        );
        assert_eq!(
            header(&response, "access-control-allow-methods"),
            Some("GET, PUT")
        );
        let allowed = Some("content-type, x-amz-checksum-sha256");
        assert_eq!(header(&response, "access-control-allow-headers"), allowed);
        assert_eq!(
            header(&response, "access-control-expose-headers"),
            Some("ETag")
        );
        assert_eq!(header(&response, "access-control-max-age"), Some("600"));
    }
    for (origin, method, headers) in [
        ("http://localhost:3001", "PUT", headers),
        ("https://example.com", "PUT", headers),
        ("https://chat.example.com.evil.org", "PUT", headers),
        ("null", "PUT", headers),
        (PAGE, "DELETE", ""),
        (PAGE, "put", ""),
        (PAGE, "PUT", "content-type,x-other"),
    ] {
        let request = preflight(&world, origin, method, headers);
        let response = request.send().await.unwrap();
        assert_eq!(header(&response, "access-control-allow-origin"), None);
        let refused = code(response).await;
        assert_eq!(
            refused,
            (403, "AccessForbidden".to_owned()),
            "{origin} {method} {headers}"
        );
    }
    let without = |bucket: &mut Bucket| bucket.cors.clear();
    let world = World::with(Objects::open(None).unwrap(), without).await;
    let refused = preflight(&world, PAGE, "PUT", "").send().await.unwrap();
    assert_eq!(code(refused).await, (403, "AccessForbidden".to_owned()));
}

#[tokio::test]
async fn only_pages_that_a_rule_allows_may_call_a_bucket() {
    let world = World::new().await;
    let url = world.presigned(&Method::PUT, "F", &[]);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "http://localhost:3001"),
        ("sec-fetch-site", "cross-site"),
        ("host", "rebound.example.com"),
    ] {
        let request = http().put(&url).header(name, value).body("x");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403, "{name}: {value}");
        assert_eq!(header(&response, "access-control-allow-origin"), None);
    }
    assert_eq!(world.status("F").await, 404);
    let request = http().put(&url).header("origin", PAGE);
    let request = request.header("sec-fetch-site", "cross-site");
    let response = request.body("x").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "access-control-allow-origin"), Some(PAGE));
    // The page can read errors, too.
    let get = world
        .presigned(&Method::GET, "F", &[])
        .replace("/F?", "/G?");
    let response = http().get(get).header("origin", PAGE).send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(header(&response, "access-control-allow-origin"), Some(PAGE));
    // An image or a download of the page has no origin.
    let get = world.presigned(&Method::GET, "F", &[]);
    let image = http().get(get).header("sec-fetch-site", "cross-site");
    assert_eq!(image.send().await.unwrap().status(), 200);
}

fn plan(fault: &str, more: serde_json::Value) -> Plan {
    let mut rule = json!({ "s3": fault, "times": 1 });
    for (name, value) in more.as_object().unwrap() {
        rule[name] = value.clone();
    }
    Plan::read(&json!({ "faults": [rule] }).to_string()).unwrap()
}

#[tokio::test]
async fn uploads_with_presigned_urls_get_faults_and_the_administrator_does_not() {
    let world = World::new().await;
    let body = "x".repeat(300_000);
    let put = async |key: &str| {
        let url = world.presigned(&Method::PUT, key, &[]);
        http().put(url).body(body.clone()).send().await
    };
    for (fault, key, expected, stored) in [
        ("slowDown", "1", Some(503), 404),
        ("internalError", "2", Some(500), 404),
        ("cut", "3", None, 404),
        ("lostAnswer", "4", None, 200),
    ] {
        world
            .faults
            .begin(plan(fault, json!({ "on": ["PutObject"] })));
        let url = Signer::administrator().presigned(&Method::PUT, &world.object("A"), &[], LIFE);
        let response = http().put(url).body("x").send().await.unwrap();
        assert_eq!(response.status(), 200);
        let response = put(key).await.map(|it| it.status().as_u16()).ok();
        assert_eq!(response, expected, "{fault}");
        assert_eq!(world.status(key).await, stored, "{fault}");
        assert_eq!(put("again").await.unwrap().status(), 200, "{fault}");
    }
}

#[tokio::test]
async fn a_transfer_is_slow_by_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(Some(folder.path())).unwrap();
    let world = World::with(objects, |_| {}).await;
    let hour = 60 * 60 * 1000;
    let slow = json!({ "ms": [hour, hour] });
    world.faults.begin(plan("slowTransfer", slow.clone()));
    let url = world.presigned(&Method::PUT, "F", &[]);
    let mut upload = tokio::spawn(http().put(url).body("x".repeat(100_000)).send());
    let ahead = |part: u64| world.clock.set_ahead(Duration::from_millis(hour / part));
    // The body of the upload has a file once the transfer has begun.
    while std::fs::read_dir(folder.path()).unwrap().next().is_none() {
        tokio::task::yield_now().await;
    }
    ahead(2).unwrap();
    tokio::select! {
        biased;
        _ = &mut upload => panic!("the upload ended early"),
        status = world.status("F") => assert_eq!(status, 404),
    }
    ahead(1).unwrap();
    assert_eq!(upload.await.unwrap().unwrap().status(), 200);

    world
        .faults
        .begin(plan("cut", json!({ "on": ["GetObject"] })));
    let url = world.presigned(&Method::GET, "F", &[]);
    let response = http().get(&url).send().await.unwrap();
    assert_eq!(response.headers()["content-length"], "100000");
    assert!(response.bytes().await.is_err());
    let response = http().get(&url).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap().len(), 100_000);
}
