use super::{super::Case, numbered, repeated, short};

pub fn cases() -> Vec<Case> {
    let get = "GET /a/b/c?q=1";
    let head = "\nHost: localhost\nAuthorization: Bearer x\n\n";
    let post = "POST /a\nHost: localhost\nContent-Type: application/json\n\n";
    let answer = &format!("{post}{{\"statusCode\":200,");
    vec![
        short("http_api", "one parameter again", get, "&a=b", head),
        short("http_api", "empty parameters", get, "&a", head),
        short("http_api", "ampersands", get, "&", head),
        short("http_api", "encoded parameters", get, "&%61=%62", head),
        short("http_api", "segments", "GET /p/", "a/", head),
        short("http_api", "encoded segments", "GET /p/", "%2F", head),
        short("http_api", "cookies", "GET /p/a\nCookie: ", "a=b;", head),
        short(
            "http_api",
            "lines of cookies",
            "GET /p/a\n",
            "Cookie: a\n",
            head,
        ),
        short("http_api", "one header again", "GET /p/a\n", "X: a\n", head),
        short(
            "http_api",
            "forwarded addresses",
            "GET /p/a\n",
            "X-Forwarded-For: a\n",
            head,
        ),
        short(
            "http_api",
            "dots in the host",
            "GET /p/a\nHost: ",
            "a.",
            "\n\n",
        ),
        short(
            "http_api",
            "a long origin",
            "GET /p/a\nOrigin: https://",
            "a",
            head,
        ),
        short(
            "http_api",
            "a long preflight",
            "OPTIONS /p/a\nAccess-Control-Request-Method: GET\nOrigin: https://",
            "a",
            head,
        ),
        repeated("http_api", "a body", post, "x", ""),
        repeated(
            "http_api",
            "a binary body",
            "POST /a\nContent-Type: image/png\n\n",
            "x",
            "",
        ),
        repeated("http_api", "nested answer", post, "[", ""),
        numbered(
            "http_api",
            "headers of the answer",
            &format!("{answer}\"headers\":{{"),
            |n| format!(r#""h{n}":"a","#),
            "\"a\":1}}",
        ),
        repeated(
            "http_api",
            "cookies of the answer",
            &format!("{answer}\"cookies\":["),
            "\"a=b\",",
            "\"a\"]}",
        ),
        repeated(
            "http_api",
            "a body of the answer",
            &format!("{answer}\"body\":\""),
            "a",
            "\"}",
        ),
        repeated(
            "http_api",
            "a binary body of the answer",
            &format!("{answer}\"isBase64Encoded\":true,\"body\":\""),
            "AAAA",
            "\"}",
        ),
    ]
}
