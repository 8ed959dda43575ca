//! S3: lists, and deletions of several objects.

use reqwest::Method;

use crate::s3_world::{Signer, World, code, sha256};

#[tokio::test]
async fn signed_headers_cover_the_body_and_lists_come_in_pages() {
    let world = World::new().await;
    let administrator = Signer::administrator();
    for key in ["a/1", "a/2", "b &<", "c/d/e"] {
        let url = world.object(
            &key.replace(" ", "%20")
                .replace("&", "%26")
                .replace("<", "%3C"),
        );
        let stored = administrator
            .send(Method::PUT, &url, &[("x-amz-meta-n", "1")], "body")
            .await;
        assert_eq!(stored.status(), 200, "{key}");
    }
    let list = async |query: &str| {
        let url = format!("{}/local-files?list-type=2{query}", world.url);
        let response = administrator.send(Method::GET, &url, &[], "").await;
        assert_eq!(response.status(), 200);
        response.text().await.unwrap()
    };
    let found = |text: &str, tag: &str| -> Vec<String> {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let parts = text.split(&open).skip(1);
        parts
            .map(|part| part.split(&close).next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        found(&list("").await, "Key"),
        ["a/1", "a/2", "b &amp;&lt;", "c/d/e"]
    );
    assert_eq!(
        found(&list("&encoding-type=url").await, "Key")[2],
        "b%20%26%3C"
    );
    let grouped = list("&delimiter=%2F").await;
    assert_eq!(found(&grouped, "Key"), ["b &amp;&lt;"]);
    assert_eq!(found(&grouped, "KeyCount"), ["3"]);
    assert_eq!(
        found(&list("&prefix=c%2F&delimiter=%2F").await, "Prefix"),
        ["c/", "c/d/"]
    );
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = list(&format!("&max-keys=1&delimiter=%2F{token}")).await;
        seen.extend(found(&page, "Key"));
        let prefixes = found(&page, "CommonPrefixes");
        seen.extend(prefixes.iter().map(|it| found(it, "Prefix").remove(0)));
        match found(&page, "NextContinuationToken").first() {
            Some(next) => token = format!("&continuation-token={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["a/", "b &amp;&lt;", "c/"]);
    let idle = Signer::now(world.function("Files"));
    let url = format!("{}/local-files?list-type=2", world.url);
    let refused = idle.send(Method::GET, &url, &[], "").await;
    assert_eq!(code(refused).await, (403, "AccessDenied".to_owned()));
}

#[tokio::test]
async fn several_objects_are_deleted_each_with_its_permission() {
    let world = World::new().await;
    for key in ["own/1", "own/2", "G"] {
        world.put(key, "x").await;
    }
    let body = "<Delete><Object><Key>own/1</Key></Object><Object><Key>G</Key></Object>\
                <Object><Key>own/9</Key></Object></Delete>";
    let checksum = sha256(body.as_bytes());
    let url = format!("{}/local-files?delete=", world.url);
    let files = Signer::now(world.function("Files"));
    let headers = [("x-amz-checksum-sha256", checksum.as_str())];
    let response = files.send(Method::POST, &url, &headers, body).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(
        text.contains("<Deleted><Key>own/1</Key></Deleted>"),
        "{text}"
    );
    assert!(
        text.contains("<Deleted><Key>own/9</Key></Deleted>"),
        "{text}"
    );
    assert!(
        text.contains("<Error><Key>G</Key><Code>AccessDenied</Code>"),
        "{text}"
    );
    assert_eq!(world.status("own/1").await, 404);
    assert_eq!(world.status("own/2").await, 200);
    assert_eq!(world.status("G").await, 200);
    for (headers, body, expected) in [
        (&[][..], body, (400, "InvalidRequest")),
        (&headers, "<Delete/>", (400, "BadDigest")),
    ] {
        let refused = files.send(Method::POST, &url, headers, body).await;
        assert_eq!(code(refused).await, (expected.0, expected.1.to_owned()));
    }
}
