//! Which route a request is for.
//!
//! The gateway has found it out already, and its event says so. Only where one route of the gateway takes whatever comes
//! (`$default`, `/{proxy+}`) the path decides here.

use lambda_http::http::Method;

/// A route of the HTTP API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// `POST /conversations`
    CreateConversation,
    /// `GET /conversations`
    ListConversations,
    /// `GET /conversations/{id}`
    GetConversation,
    /// `PUT /conversations/{id}/participants/{user}`
    AddParticipant,
    /// `DELETE /conversations/{id}/participants/{user}`
    RemoveParticipant,
    /// `POST /conversations/{id}/messages`
    SendMessage,
    /// `GET /conversations/{id}/messages`
    ReadMessages,
    /// `GET /conversations/{id}/events`
    ReadEvents,
}

const CONVERSATIONS: &str = "/conversations";
const CONVERSATION: &str = "/conversations/{id}";
const PARTICIPANT: &str = "/conversations/{id}/participants/{user}";
const MESSAGES: &str = "/conversations/{id}/messages";
const EVENTS: &str = "/conversations/{id}/events";

/// Every route, as the template declares it.
const ROUTES: [(Method, &str, Destination); 8] = [
    (Method::POST, CONVERSATIONS, Destination::CreateConversation),
    (Method::GET, CONVERSATIONS, Destination::ListConversations),
    (Method::GET, CONVERSATION, Destination::GetConversation),
    (Method::PUT, PARTICIPANT, Destination::AddParticipant),
    (Method::DELETE, PARTICIPANT, Destination::RemoveParticipant),
    (Method::POST, MESSAGES, Destination::SendMessage),
    (Method::GET, MESSAGES, Destination::ReadMessages),
    (Method::GET, EVENTS, Destination::ReadEvents),
];

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

/// A value of a path, by the name that stands for it in braces.
pub type Parameter = (&'static str, String);

/// The route that the gateway has chosen, by its key: `POST /conversations/{id}/messages`.
pub fn by_key(key: &str) -> Option<Destination> {
    let (method, path) = key.split_once(' ')?;
    let found = ROUTES
        .iter()
        .find(|(taken, pattern, _)| *taken == method && *pattern == path);
    found.map(|(_, _, destination)| *destination)
}

/// The route of a path without stage and query, and the values in it. HTTP APIs hand paths over decoded.
///
/// # Errors
/// [`Unmatched`].
pub fn by_path(method: &Method, path: &str) -> Result<(Destination, Vec<Parameter>), Unmatched> {
    let mut allowed = Vec::new();
    for (taken, pattern, destination) in ROUTES {
        let Some(parameters) = parameters(pattern, path) else {
            continue;
        };
        if taken == *method {
            return Ok((destination, parameters));
        }
        allowed.push(taken.to_string());
    }
    Err(if allowed.is_empty() {
        Unmatched::Path
    } else {
        Unmatched::Method { allowed }
    })
}

/// What stands in a path where a pattern has braces, if all else is the same.
fn parameters(pattern: &'static str, path: &str) -> Option<Vec<Parameter>> {
    let mut parameters = Vec::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let found = segments.next()?;
        match expected
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) if !found.is_empty() => parameters.push((name, found.to_owned())),
            None if found == expected => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_by_its_key_and_by_its_path() {
        for (method, pattern, destination) in ROUTES {
            assert_eq!(by_key(&format!("{method} {pattern}")), Some(destination));
            let path = pattern.replace("{id}", "a:b").replace("{user}", "ada l");
            let (found, parameters) = by_path(&method, &path).unwrap();
            assert_eq!(found, destination, "{method} {path}");
            let expected = [("id", "{id}", "a:b"), ("user", "{user}", "ada l")];
            let expected = expected
                .into_iter()
                .filter(|(_, place, _)| pattern.contains(place));
            let expected: Vec<Parameter> = expected
                .map(|(name, _, value)| (name, value.to_owned()))
                .collect();
            assert_eq!(parameters, expected, "{method} {path}");
        }
    }

    #[test]
    fn other_keys_and_paths_lead_nowhere() {
        for key in [
            "$default",
            "ANY /{proxy+}",
            "GET /conversations/{other}",
            "",
        ] {
            assert_eq!(by_key(key), None, "{key}");
        }
        for path in [
            "",
            "/",
            "/conversation",
            "/conversations/",
            "/conversations//events",
            "/conversations/c/events/",
            "/CONVERSATIONS",
        ] {
            assert_eq!(by_path(&Method::GET, path), Err(Unmatched::Path), "{path}");
        }
    }

    #[test]
    fn another_method_is_told_which_ones_there_are() {
        for (path, allowed) in [
            ("/conversations", vec!["POST", "GET"]),
            ("/conversations/c", vec!["GET"]),
            ("/conversations/c/participants/ada", vec!["PUT", "DELETE"]),
        ] {
            let allowed = allowed.into_iter().map(str::to_owned).collect();
            assert_eq!(
                by_path(&Method::PATCH, path),
                Err(Unmatched::Method { allowed }),
                "{path}"
            );
        }
    }
}
