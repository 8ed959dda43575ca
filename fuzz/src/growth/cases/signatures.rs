use super::{super::Case, made, numbered, repeated};

pub fn cases() -> Vec<Case> {
    let credential = "Authorization: AWS4-HMAC-SHA256 Credential=AKIALOCALADMIN/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=";
    let request = "POST /\nHost: localhost\nX-Amz-Date: 20260101T000000Z\n";
    let signed = &format!("{request}{credential}host");
    let path = |path: &str| format!("POST {path}");
    let after = &format!(
        "\nHost: localhost\nX-Amz-Date: 20260101T000000Z\n{credential}host, Signature=0\n\n"
    );
    vec![
        numbered(
            "signatures",
            "signed headers",
            signed,
            |n| format!(";h{n}"),
            ", Signature=0\n\n",
        ),
        repeated(
            "signatures",
            "one signed header again",
            signed,
            ";host",
            ", Signature=0\n\n",
        ),
        made(
            "signatures",
            "a long header that is signed again",
            move |count| {
                let again = ";x".repeat(count);
                let value = "v".repeat(count);
                format!("{request}X: {value}\n{credential}host{again}, Signature=0\n\n")
            },
        ),
        repeated(
            "signatures",
            "commas",
            &format!("{request}Authorization: AWS4-HMAC-SHA256 "),
            ",",
            "\n\n",
        ),
        repeated(
            "signatures",
            "fields",
            &format!("{request}Authorization: AWS4-HMAC-SHA256 "),
            "a=b,",
            "\n\n",
        ),
        repeated(
            "signatures",
            "slashes in the credential",
            &format!("{request}Authorization: AWS4-HMAC-SHA256 Credential="),
            "/",
            "\n\n",
        ),
        repeated("signatures", "segments", &path("/"), "a/", after),
        repeated("signatures", "dotted segments", &path("/"), "../", after),
        repeated("signatures", "slashes", &path("/"), "/", after),
        repeated("signatures", "percent signs", &path("/"), "%", after),
        numbered(
            "signatures",
            "query",
            &path("/?"),
            |n| format!("q{n}=1&"),
            after,
        ),
        repeated("signatures", "ampersands", &path("/?"), "&", after),
        repeated("signatures", "encoded query", &path("/?"), "%41", after),
        repeated(
            "signatures",
            "white space in a header",
            &format!("{signed};x, Signature=0\nX: a"),
            " ",
            "b\n\n",
        ),
        repeated(
            "signatures",
            "words in a header",
            &format!("{signed};x, Signature=0\nX: "),
            "a ",
            "b\n\n",
        ),
        repeated(
            "signatures",
            "one header again",
            &format!("{signed};x, Signature=0\n"),
            "X: a\n",
            "\n",
        ),
        repeated(
            "signatures",
            "a long body",
            &format!("{signed}, Signature=0\n\n"),
            "x",
            "",
        ),
        repeated(
            "signatures",
            "a long date",
            &format!("POST /\nHost: localhost\n{credential}host, Signature=0\nX-Amz-Date: "),
            "2",
            "\n\n",
        ),
        repeated(
            "signatures",
            "a long signature",
            &format!("{signed}, Signature="),
            "0",
            "\n\n",
        ),
    ]
}
