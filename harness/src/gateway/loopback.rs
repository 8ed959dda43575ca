//! Which names of this machine a request may ask for. A page of the internet can make a browser send requests to
//! 127.0.0.1 under a name of its own (DNS rebinding); it cannot choose the `Host` header that comes with them.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The name, without port, under which this machine was asked, if it is one of this machine's own.
pub fn asked_name(headers: &HeaderMap) -> Option<&'static str> {
    loopback_name(headers.get(header::HOST)?.to_str().ok()?)
}

/// Whether `origin` (`http://localhost:5173`) is a page of this machine, on whatever port.
pub fn is_loopback_origin(origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    matches!(scheme, "http" | "https") && loopback_name(authority).is_some()
}

/// Middleware: a request under any other name is answered 403.
pub async fn only_by_loopback_name(request: Request, next: Next) -> Response {
    if asked_name(request.headers()).is_some() {
        next.run(request).await
    } else {
        (
            StatusCode::FORBIDDEN,
            "This server answers to localhost, 127.0.0.1 and [::1] only.\n",
        )
            .into_response()
    }
}

fn loopback_name(authority: &str) -> Option<&'static str> {
    let parsed: Uri = authority.parse().ok()?;
    // A user part or a path would make this something else than a `Host` header or an origin.
    if parsed.authority()?.as_str() != authority || authority.contains('@') {
        return None;
    }
    NAMES.into_iter().find(|name| {
        parsed
            .host()
            .is_some_and(|host| host.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_names_of_this_machine_pass() {
        for (authority, expected) in [
            ("localhost", Some("localhost")),
            ("LOCALHOST:3000", Some("localhost")),
            ("127.0.0.1:3000", Some("127.0.0.1")),
            ("[::1]:3000", Some("[::1]")),
            ("localhost.example.com:3000", None),
            ("localhost@example.com", None),
            ("example.com@localhost", None),
            ("127.0.0.1.example.com", None),
            ("example.com", None),
            ("", None),
            ("localhost/path", None),
        ] {
            assert_eq!(loopback_name(authority), expected, "{authority}");
        }
    }

    #[test]
    fn an_origin_needs_scheme_and_loopback_name() {
        assert!(is_loopback_origin("http://localhost:5173"));
        assert!(is_loopback_origin("https://[::1]"));
        for foreign in [
            "null",
            "localhost:5173",
            "file://localhost",
            "https://localhost.example.com",
            "http://example.com",
        ] {
            assert!(!is_loopback_origin(foreign), "{foreign}");
        }
    }
}
