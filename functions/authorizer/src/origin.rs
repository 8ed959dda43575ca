//! Origins of web pages, compared as browsers write them. CORS does not apply to WebSocket
//! handshakes: without this check, any page on the web could open a connection on behalf of its
//! visitor.

use std::fmt;

/// `scheme://host[:port]` with scheme and host in lower case and without the scheme's default port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Parses the value of an `Origin` header. Returns `None` for anything that is not exactly an
    /// origin, such as a value with a path or user information, or the `null` of sandboxed
    /// documents.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let is_authority = |byte: u8| byte.is_ascii_graphic() && !b"/\\?#@,".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
            return None;
        }
        if authority.is_empty() || !authority.bytes().all(is_authority) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let authority = authority.to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
        Some(Self(format!("{scheme}://{authority}")))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The pages that may open a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// `*`: all pages.
    Any,
    /// Only these; an empty list allows no page.
    Only(Vec<Origin>),
}

impl AllowedOrigins {
    /// Parses a comma-separated list of origins. An element `*` allows all pages; empty elements
    /// are skipped.
    ///
    /// # Errors
    /// Returns the first element that is not an origin.
    pub fn parse(list: &str) -> Result<Self, String> {
        let elements = || {
            list.split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        let origins = elements()
            .filter(|text| *text != "*")
            .map(|text| Origin::parse(text).ok_or_else(|| text.to_owned()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(if elements().any(|text| text == "*") {
            Self::Any
        } else {
            Self::Only(origins)
        })
    }

    /// Returns whether a page whose browser sent this `Origin` header may connect.
    pub fn allow(&self, header: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(origins) => {
                Origin::parse(header).is_some_and(|origin| origins.contains(&origin))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_as_browsers_write_them() {
        let allowed = AllowedOrigins::parse(
            " https://Chat.example.org, ,http://localhost:3000,https://a.example:443,app://confab",
        )
        .unwrap();
        for (header, expected) in [
            ("https://chat.example.org", true),
            ("HTTPS://CHAT.EXAMPLE.ORG", true),
            ("https://chat.example.org:443", true),
            ("https://a.example", true),
            ("http://localhost:3000", true),
            ("app://confab", true),
            ("http://localhost", false),
            ("http://chat.example.org", false),
            ("https://chat.example.org:8443", false),
            ("https://chat.example.org.evil.example", false),
            ("https://evil.example/https://chat.example.org", false),
            ("https://user@chat.example.org", false),
            ("https://chat.example.org/", false),
            ("null", false),
            ("", false),
            ("*", false),
        ] {
            assert_eq!(allowed.allow(header), expected, "{header:?}");
        }
    }

    #[test]
    fn a_star_allows_every_page_and_an_empty_list_allows_no_page() {
        let any = AllowedOrigins::parse("http://localhost:3000,*").unwrap();
        assert!(any.allow("https://evil.example") && any.allow("null"));
        let none = AllowedOrigins::parse("").unwrap();
        assert!(!none.allow("https://chat.example.org"));
    }

    #[test]
    fn the_error_is_the_first_element_that_is_not_an_origin() {
        for bad in [
            "https://chat.example.org/page",
            "chat.example.org",
            "https://",
            "https://*.example.org/",
        ] {
            assert_eq!(
                AllowedOrigins::parse(&format!("http://localhost:3000,{bad}")),
                Err(bad.to_owned())
            );
        }
    }
}
