use super::{super::Case, numbered, repeated};

pub fn cases() -> Vec<Case> {
    // The header {"alg":"ES256","kid":"k"}.
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.AAAA\n";
    let set = &format!("{token}{{\"keys\":[");
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    let key = move |n: String| {
        format!(r#"{{"kty":"EC","crv":"P-256","kid":"{n}","x":"{x}","y":"{y}"}},"#)
    };
    vec![
        numbered("key_sets", "keys", set, key, "{}]}"),
        repeated(
            "key_sets",
            "one key again",
            set,
            &key("k".to_owned()),
            "{}]}",
        ),
        repeated("key_sets", "keys of no kind", set, "{},", "{}]}"),
        repeated(
            "key_sets",
            "operations",
            &format!("{set}{{\"kty\":\"EC\",\"key_ops\":["),
            "\"verify\",",
            "\"sign\"]}]}",
        ),
        repeated(
            "key_sets",
            "certificates",
            &format!("{set}{{\"kty\":\"EC\",\"x5c\":["),
            "\"MII\",",
            "\"\"]}]}",
        ),
        repeated(
            "key_sets",
            "a long modulus",
            &format!("{set}{{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQAB\",\"n\":\""),
            "A",
            "\"}]}",
        ),
        repeated("key_sets", "nested arrays", set, "[", ""),
    ]
}
