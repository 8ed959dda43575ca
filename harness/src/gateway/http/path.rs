//! The path of a request as an HTTP API reads it: decoded, cut at a decoded `?`, and decoded again.
//!
//! So `%253F` arrives as `?`, `%3F` and everything after it is lost, and `%25` alone is refused.
//! REST APIs and function URLs do none of this. Clients of an HTTP API must encode `%` and `?`
//! twice.

use percent_encoding::percent_decode_str;

/// The segments of `/`.
static ROOT: [String; 1] = [String::new()];

/// A decoded path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestPath {
    /// What is between the slashes that the client sent. A decoded slash does not end a segment.
    segments: Vec<String>,
}

impl RequestPath {
    /// Reads a path as sent. `None` if it has an escape that is not two hexadecimal digits, before
    /// or after the first decoding. Bytes that are not UTF-8 become U+FFFD.
    pub fn read(sent: &str) -> Option<Self> {
        let sent = sent.strip_prefix('/').unwrap_or(sent);
        let segments = before_question_mark(sent)
            .split('/')
            .map(|segment| decode(&decode(segment)?))
            .collect::<Option<_>>()?;
        Some(Self { segments })
    }

    /// Returns the whole path, as events show it.
    pub fn text(&self) -> String {
        format!("/{}", self.segments.join("/"))
    }

    /// Returns the segments inside the stage, or `None` if the path is outside it.
    pub fn in_stage(&self, stage: &str) -> Option<&[String]> {
        match self.segments.as_slice() {
            all if stage == "$default" => Some(all),
            // `/STAGE` is the same as `/STAGE/`.
            [only] if only == stage => Some(&ROOT),
            [first, inside @ ..] if first == stage => Some(inside),
            _ => None,
        }
    }
}

/// Returns the part of an encoded path before the first `?` that the first decoding yields.
fn before_question_mark(sent: &str) -> &str {
    let end = sent
        .as_bytes()
        .windows(3)
        .position(|escape| escape.eq_ignore_ascii_case(b"%3F"));
    end.and_then(|end| sent.get(..end)).unwrap_or(sent)
}

/// Decodes once. `None` if an escape is malformed.
fn decode(text: &str) -> Option<String> {
    let well_formed = text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    well_formed.then(|| percent_decode_str(text).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_observed_on_aws() {
        for (sent, expected) in [
            ("/user/plain", Some("/user/plain")),
            ("/user/a%20b", Some("/user/a b")),
            ("/user/a%3Fb", Some("/user/a")),
            ("/user/a%3fb/c", Some("/user/a")),
            ("/user/a%25b", None),
            ("/user/a%23b", Some("/user/a#b")),
            ("/user/a%2Fb", Some("/user/a/b")),
            ("/user/%CE%BB-%E4%B8%96", Some("/user/λ-世")),
            ("/user/a%252Fb", Some("/user/a/b")),
            ("/user/a%253Fb", Some("/user/a?b")),
            ("/user/a%2525b", Some("/user/a%b")),
            // Not observed on AWS.
            ("/user/a%2541", Some("/user/aA")),
            ("/user/100%25", None),
            ("/user/a%zz", None),
            ("/user/a%", None),
            ("/user/%FF", Some("/user/\u{fffd}")),
            ("/", Some("/")),
            ("//", Some("//")),
        ] {
            let path = RequestPath::read(sent).map(|path| path.text());
            assert_eq!(path.as_deref(), expected, "{sent}");
        }
    }

    #[test]
    fn a_named_stage_is_the_first_segment() {
        for (sent, stage, expected) in [
            ("/prod/a/b", "prod", Some(&["a", "b"][..])),
            ("/prod/", "prod", Some(&[""])),
            ("/prod", "prod", Some(&[""])),
            ("/production/a", "prod", None),
            ("/a", "$default", Some(&["a"])),
        ] {
            let path = RequestPath::read(sent).unwrap();
            let inside = path.in_stage(stage);
            assert_eq!(
                inside.map(|all| all.iter().map(String::as_str).collect::<Vec<_>>()),
                expected.map(<[&str]>::to_vec),
                "{sent}"
            );
        }
    }
}
