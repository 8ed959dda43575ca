//! The loopback names of this machine, as `Host` and `Origin` show them.

use axum::http::{HeaderMap, Uri, header};

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Returns the loopback name in `Host`, without the port. A request with several hosts has none: what
/// is behind might read another one.
pub fn asked_name(headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return None;
    };
    loopback_name(host.to_str().ok()?)
}

/// Whether `origin` (`http://localhost:5173`) is a page of this machine, on any port.
pub fn is_loopback_origin(origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    matches!(scheme, "http" | "https") && loopback_name(authority).is_some()
}

fn loopback_name(authority: &str) -> Option<&'static str> {
    let parsed: Uri = authority.parse().ok()?;
    // Neither `Host` nor an origin has a user part or a path.
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
    fn only_the_three_loopback_names_are_accepted() {
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
    fn a_request_with_several_hosts_is_refused() {
        let mut headers = HeaderMap::new();
        assert_eq!(asked_name(&headers), None);
        headers.append(header::HOST, "localhost:3000".parse().unwrap());
        assert_eq!(asked_name(&headers), Some("localhost"));
        headers.append(header::HOST, "evil.example".parse().unwrap());
        assert_eq!(asked_name(&headers), None);
    }

    #[test]
    fn an_origin_needs_a_scheme_and_a_loopback_name() {
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
