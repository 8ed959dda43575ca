//! Inputs of targets that read HTTP: a request line, headers, an empty line and a body. The parsing
//! of HTTP itself is hyper's, so this form is only a way to write a request down.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// A request as written in an input.
pub struct Message<'a> {
    /// For example `GET`.
    pub method: &'a str,
    /// With percent-encoding.
    pub path: &'a str,
    /// Without the question mark.
    pub query: &'a str,
    /// Invalid headers are left out.
    pub headers: HeaderMap,
    /// Everything after the empty line.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads an input. Returns `None` if its request line is not text with a space.
    pub fn read(input: &'a [u8]) -> Option<Self> {
        let (line, mut rest) = first_line(input);
        let (method, target) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HeaderMap::new();
        loop {
            let (header, after) = first_line(rest);
            rest = after;
            if header.is_empty() {
                break;
            }
            let Some(colon) = header.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let name = HeaderName::from_bytes(&header[..colon]);
            let value = HeaderValue::from_bytes(header[colon + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                let _ = headers.try_append(name, value);
            }
        }
        Some(Self {
            method,
            path,
            query,
            headers,
            body: rest,
        })
    }

    /// Returns the first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Splits an input after its first line.
pub fn first_line(input: &[u8]) -> (&[u8], &[u8]) {
    match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, &[]),
    }
}
