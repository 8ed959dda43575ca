use super::{super::Case, repeated};

pub fn cases() -> Vec<Case> {
    let put = "PUT /.local/faults\nHost: localhost\n\n";
    let login = "POST /.local/login\nHost: localhost\n\n";
    vec![
        repeated(
            "local",
            "rules",
            &format!("{put}{{\"faults\":["),
            r#"{"push":"gone"},"#,
            r#"{"push":"gone"}]}"#,
        ),
        repeated(
            "local",
            "names",
            &format!("{put}{{\"faults\":[{{\"push\":\"gone\",\"on\":["),
            "\"a\",",
            "\"a\"]}]}",
        ),
        repeated("local", "nested", put, "[", ""),
        repeated("local", "a long user", &format!("{login}{{\"user\":\""), "x", "\"}"),
        repeated(
            "local",
            "unknown fields",
            &format!("{login}{{\"user\":\"ada\""),
            ",\"a\":1",
            "}",
        ),
        repeated(
            "local",
            "groups",
            "POST /.local/cognito/login\nHost: localhost\n\n{\"user\":\"ada\",\"groups\":[",
            "\"g\",",
            "\"g\"]}",
        ),
    ]
}
