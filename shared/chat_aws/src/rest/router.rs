//! Which route a method and a path are for.

use lambda_http::http::Method;
use percent_encoding::percent_decode_str;

/// A route of the HTTP API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// `POST /conversations`
    CreateConversation,
    /// `GET /conversations`
    ListConversations,
    /// `GET /conversations/{conversation}`
    GetConversation,
    /// `POST /conversations/{conversation}/messages`
    SendMessage,
    /// `GET /conversations/{conversation}/messages`
    ReadMessages,
    /// `GET /conversations/{conversation}/events`
    ReadEvents,
}

const CONVERSATIONS: &str = "/conversations";
const CONVERSATION: &str = "/conversations/{conversation}";
const MESSAGES: &str = "/conversations/{conversation}/messages";
const EVENTS: &str = "/conversations/{conversation}/events";

/// Every route: a segment in braces takes any text, and gives it the name of a field.
const ROUTES: [(Method, &str, Destination); 6] = [
    (Method::POST, CONVERSATIONS, Destination::CreateConversation),
    (Method::GET, CONVERSATIONS, Destination::ListConversations),
    (Method::GET, CONVERSATION, Destination::GetConversation),
    (Method::POST, MESSAGES, Destination::SendMessage),
    (Method::GET, MESSAGES, Destination::ReadMessages),
    (Method::GET, EVENTS, Destination::ReadEvents),
];

/// A route and what its path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Whom the request is for.
    pub destination: Destination,
    /// The path with names in the place of values.
    pub pattern: &'static str,
    /// Values of the path by the names of their fields, decoded.
    pub values: Vec<(&'static str, String)>,
}

/// No route takes this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// Whatever the method.
    Path,
    /// But by other methods.
    Method {
        /// These.
        allowed: Vec<String>,
    },
}

/// Finds the route of a path without stage and query.
///
/// # Errors
/// [`Unmatched`].
pub fn resolve(method: &Method, path: &str) -> Result<Match, Unmatched> {
    let mut allowed = Vec::new();
    for (taken, pattern, destination) in ROUTES {
        let Some(values) = values(pattern, path) else { continue };
        if taken == *method {
            return Ok(Match { destination, pattern, values });
        }
        allowed.push(taken.to_string());
    }
    Err(if allowed.is_empty() { Unmatched::Path } else { Unmatched::Method { allowed } })
}

/// What stands in a path where a pattern has braces, if all else is the same.
fn values(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut values = Vec::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let found = segments.next()?;
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if !found.is_empty() => values.push((name, decoded(found)?)),
            None if found == expected => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(values)
}

/// API Gateway decodes paths before functions get them, other gateways do not. Ids hold no percent sign, so decoding
/// again changes nothing.
fn decoded(segment: &str) -> Option<String> {
    Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_routes() {
        let c = || vec![("conversation", "a:b".to_owned())];
        for (method, path, destination, values) in [
            (Method::POST, "/conversations", Destination::CreateConversation, vec![]),
            (Method::GET, "/conversations", Destination::ListConversations, vec![]),
            (Method::GET, "/conversations/a:b", Destination::GetConversation, c()),
            (Method::GET, "/conversations/a%3Ab", Destination::GetConversation, c()),
            (Method::POST, "/conversations/a:b/messages", Destination::SendMessage, c()),
            (Method::GET, "/conversations/a:b/messages", Destination::ReadMessages, c()),
            (Method::GET, "/conversations/a:b/events", Destination::ReadEvents, c()),
        ] {
            let found = resolve(&method, path).unwrap();
            assert_eq!((found.destination, found.values), (destination, values), "{method} {path}");
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "",
            "/",
            "/conversation",
            "/conversations/",
            "/conversations//events",
            "/conversations/c/events/",
            "/conversations/%ff",
            "/CONVERSATIONS",
        ] {
            assert_eq!(resolve(&Method::GET, path), Err(Unmatched::Path), "{path}");
        }
    }

    #[test]
    fn another_method_is_told_which_ones_there_are() {
        for (path, allowed) in [
            ("/conversations", ["POST", "GET"].as_slice()),
            ("/conversations/c", &["GET"]),
        ] {
            let allowed = allowed.iter().map(ToString::to_string).collect();
            let unmatched = Err(Unmatched::Method { allowed });
            assert_eq!(resolve(&Method::PATCH, path), unmatched, "{path}");
        }
    }
}
