use super::{super::Case, made, repeated};

pub fn cases() -> Vec<Case> {
    let greedy = "\nANY /{proxy+}\nGET /a/{b}/{proxy+}";
    vec![
        repeated("paths", "segments", "GET /", "a/", greedy),
        repeated("paths", "slashes", "GET /", "/", greedy),
        repeated("paths", "percent signs", "GET /", "%", greedy),
        repeated("paths", "encoded characters", "GET /", "%C3%A9", greedy),
        repeated("paths", "broken characters", "GET /", "%FF", greedy),
        made("paths", "a pattern of parameters", |count| {
            format!("GET /{}\nGET /{}", "a/".repeat(count), "{p}/".repeat(count))
        }),
        made("paths", "a pattern of segments", |count| {
            format!("GET /{}\nGET /{}", "a/".repeat(count), "a/".repeat(count))
        }),
        repeated("paths", "braces", "GET /a\nGET /", "{", ""),
        repeated("paths", "closed braces", "GET /a\nGET /", "{}", ""),
        repeated("paths", "greedy parameters", "GET /a\nGET /", "{p+}/", ""),
    ]
}

// The gateway refuses heads of more than 10,240 bytes, so only bodies grow beyond that.
