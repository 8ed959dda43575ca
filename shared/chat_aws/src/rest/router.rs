//! Finds the route of a request.
//!
//! Normally the gateway has already found it and names it in the event. The path decides only if a
//! catch-all route of the gateway (`$default`, `/{proxy+}`) received the request.

use std::collections::BTreeMap;

use lambda_http::http::Method;
use matchit::InsertError;

use super::routes::HttpRoute;

/// Matches route keys and paths.
pub struct Router<P>(matchit::Router<Vec<HttpRoute<P>>>);

/// Why no route accepts a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// No route has this path.
    Path,
    /// Routes have this path, but with other methods.
    Method {
        /// The methods of these routes.
        allowed: Vec<String>,
    },
}

/// The name and the value of a path parameter.
pub type Parameter = (String, String);

impl<P> Router<P> {
    /// Builds a router.
    ///
    /// # Errors
    /// Fails if the patterns of two routes conflict.
    pub fn new(routes: Vec<HttpRoute<P>>) -> Result<Self, InsertError> {
        let mut by_pattern: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for route in routes {
            by_pattern.entry(route.pattern).or_default().push(route);
        }
        let mut router = matchit::Router::new();
        for (pattern, routes) in by_pattern {
            router.insert(pattern, routes)?;
        }
        Ok(Self(router))
    }

    /// Returns the route with this key, for example `POST /conversations/{id}/messages`.
    pub fn by_key(&self, key: &str) -> Option<&HttpRoute<P>> {
        let (method, pattern) = key.split_once(' ')?;
        // A pattern read as a path matches itself.
        let found = self.0.at(pattern).ok()?;
        let is_named = |route: &&HttpRoute<P>| route.method == method && route.pattern == pattern;
        found.value.iter().find(is_named)
    }

    /// Returns the route of a path, without stage and query, and the values of its parameters. HTTP
    /// APIs pass paths on in decoded form.
    ///
    /// # Errors
    /// [`Unmatched`] if no route accepts the path and method.
    pub fn by_path(
        &self,
        method: &Method,
        path: &str,
    ) -> Result<(&HttpRoute<P>, Vec<Parameter>), Unmatched> {
        let found = self.0.at(path).map_err(|_| Unmatched::Path)?;
        // `matchit` accepts empty parameters.
        if found.params.iter().any(|(_, value)| value.is_empty()) {
            return Err(Unmatched::Path);
        }
        let mut routes = found.value.iter();
        let Some(route) = routes.find(|route| route.method == *method) else {
            let allowed = found.value.iter().map(|route| route.method.to_string());
            return Err(Unmatched::Method {
                allowed: allowed.collect(),
            });
        };
        let parameter = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok((route, found.params.iter().map(parameter).collect()))
    }
}

#[cfg(test)]
mod tests {
    use chat::fakes::FakeChat;

    use super::*;
    use crate::rest::routes::routes;

    fn router() -> Router<FakeChat> {
        Router::new(routes()).unwrap()
    }

    fn key<P>(route: &HttpRoute<P>) -> String {
        format!("{} {}", route.method, route.pattern)
    }

    #[test]
    fn every_route_is_found_by_its_key_and_by_its_path() {
        let router = router();
        for route in routes::<FakeChat>() {
            let (method, pattern) = (&route.method, route.pattern);
            let expected_key = key(&route);
            assert_eq!(
                router.by_key(&expected_key).map(key),
                Some(expected_key.clone())
            );
            let path = pattern.replace("{id}", "a:b").replace("{user}", "ada l");
            let path = path.replace("{seq}", "41").replace("{emoji}", "👍");
            let (found, parameters) = router.by_path(method, &path).unwrap();
            assert_eq!(key(found), expected_key);
            let expected = [
                ("id", "{id}", "a:b"),
                ("user", "{user}", "ada l"),
                ("seq", "{seq}", "41"),
                ("emoji", "{emoji}", "👍"),
            ];
            let expected = expected
                .into_iter()
                .filter(|(_, place, _)| pattern.contains(place));
            let expected: Vec<Parameter> = expected
                .map(|(name, _, value)| (name.to_owned(), value.to_owned()))
                .collect();
            assert_eq!(parameters, expected, "{method} {path}");
        }
    }

    #[test]
    fn unknown_keys_and_paths_match_no_route() {
        let router = router();
        for unknown in [
            "$default",
            "ANY /{proxy+}",
            "GET /conversations/{other}",
            "",
        ] {
            assert!(router.by_key(unknown).is_none(), "{unknown}");
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
            let found = router
                .by_path(&Method::GET, path)
                .map(|(route, _)| key(route));
            assert_eq!(found, Err(Unmatched::Path), "{path}");
        }
    }

    #[test]
    fn an_unknown_method_is_answered_with_the_allowed_ones() {
        let router = router();
        for (path, allowed) in [
            ("/conversations", vec!["POST", "GET"]),
            ("/conversations/c", vec!["GET"]),
            ("/conversations/c/participants/ada", vec!["PUT", "DELETE"]),
        ] {
            let allowed = allowed.into_iter().map(str::to_owned).collect();
            let found = router
                .by_path(&Method::PATCH, path)
                .map(|(route, _)| key(route));
            assert_eq!(found, Err(Unmatched::Method { allowed }), "{path}");
        }
    }
}
