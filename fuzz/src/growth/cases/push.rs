use super::{super::Case, repeated, short};

pub fn cases() -> Vec<Case> {
    let token = r#"POST /m
x-token: {"alg":"ES256"} {"aud":"http://127.0.0.1:3000","exp":EXP,"sub":"mailto:ops@chat.example"#;
    let message = &format!("{token}\"}}\nttl: 60\n");
    vec![
        repeated(
            "push",
            "a long body",
            &format!("{message}content-encoding: aes128gcm\n\n"),
            "x",
            "",
        ),
        repeated(
            "push",
            "encrypted zeros",
            &format!("{message}content-encoding: aes128gcm\nx-encrypt: 1\n\n"),
            "\0",
            "",
        ),
        short("push", "a long subject", token, "a", ".example\"}\nttl: 60\n\n"),
        short("push", "a long topic", &format!("{message}topic: "), "a", "\n\n"),
        short("push", "commas", "POST /m\nauthorization: vapid ", ",", "\n\n"),
        short("push", "parameters", "POST /m\nauthorization: vapid ", "t=a,", "k=b\n\n"),
        short("push", "dots", "POST /m\nauthorization: vapid k=BA, t=", "a.", "\n\n"),
        repeated(
            "push",
            "a long key",
            "POST /subscriptions\n\n{\"applicationServerKey\":\"",
            "A",
            "\"}",
        ),
        repeated("push", "nested", "POST /subscriptions\n\n", "[", ""),
    ]
}
