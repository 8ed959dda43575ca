//! Selects the route of an HTTP API for a request.

use std::cmp::Reverse;

use crate::stack::HttpRoute;

/// Why a route is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("route {key:?}: {reason}")]
pub struct RouteError {
    key: String,
    reason: &'static str,
}

/// The routes of one API.
#[derive(Clone, Debug)]
pub(crate) struct Routes(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    /// `GET /conversations/{id}`, or `$default`.
    key: String,
    /// `None` for the route `$default`.
    segments: Option<Vec<Segment>>,
    route: HttpRoute,
}

#[derive(Clone, Debug)]
enum Segment {
    Exact(String),
    Parameter(String),
    /// `{proxy+}`: one or more segments, at the end of the path.
    Greedy(String),
}

/// The selected route.
#[derive(Clone, Debug)]
pub(crate) struct Selected<'a> {
    pub(crate) key: &'a str,
    pub(crate) route: &'a HttpRoute,
    /// The decoded path parameters.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Routes {
    pub(crate) fn new(routes: &[HttpRoute]) -> Result<Self, RouteError> {
        routes.iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the most specific route for `method` and the decoded segments of the path inside the
    /// stage.
    pub(crate) fn select(&self, method: &str, segments: &[String]) -> Option<Selected<'_>> {
        let candidates = self
            .0
            .iter()
            .filter(|entry| entry.route.method == method || entry.takes_any_method());
        let matching = candidates.filter_map(|entry| Some((entry, entry.matches(segments)?)));
        let (entry, parameters) = matching.min_by_key(|(entry, _)| entry.rank())?;
        Some(Selected {
            key: &entry.key,
            route: &entry.route,
            parameters,
        })
    }
}

impl Entry {
    fn takes_any_method(&self) -> bool {
        self.segments.is_none() || self.route.method == "ANY"
    }

    /// Returns the path parameters, if the path matches.
    fn matches(&self, sent: &[String]) -> Option<Vec<(String, String)>> {
        let mut parameters = Vec::new();
        let mut rest = sent;
        for segment in self.segments.iter().flatten() {
            let (first, others) = rest.split_first()?;
            match segment {
                Segment::Exact(text) if first == text => {}
                Segment::Parameter(name) if !first.is_empty() => {
                    parameters.push((name.clone(), first.clone()))
                }
                Segment::Greedy(name) if rest.iter().any(|segment| !segment.is_empty()) => {
                    parameters.push((name.clone(), rest.join("/")));
                    return Some(parameters);
                }
                _ => return None,
            }
            rest = others;
        }
        (self.segments.is_none() || rest.is_empty()).then_some(parameters)
    }

    /// Smaller is more specific: the kinds of the segments from the left, then the method.
    fn rank(&self) -> (bool, Vec<u8>, Reverse<bool>) {
        let kind = |segment: &Segment| match segment {
            Segment::Exact(_) => 0,
            Segment::Parameter(_) => 1,
            Segment::Greedy(_) => 2,
        };
        let kinds = self.segments.iter().flatten().map(kind).collect();
        (
            self.segments.is_none(),
            kinds,
            Reverse(!self.takes_any_method()),
        )
    }
}

fn entry(route: &HttpRoute) -> Result<Entry, RouteError> {
    if route.path == "$default" {
        return Ok(Entry {
            key: route.key(),
            segments: None,
            route: route.clone(),
        });
    }
    let key = route.key();
    match segments(&route.path) {
        Ok(segments) => Ok(Entry {
            key,
            segments: Some(segments),
            route: route.clone(),
        }),
        Err(reason) => Err(RouteError { key, reason }),
    }
}

fn segments(path: &str) -> Result<Vec<Segment>, &'static str> {
    let path = path
        .strip_prefix('/')
        .ok_or("a path starts with / unless it is $default")?;
    let segments: Vec<Segment> = path.split('/').map(segment).collect::<Result<_, _>>()?;
    match segments.split_last() {
        Some((_, before))
            if before
                .iter()
                .any(|segment| matches!(segment, Segment::Greedy(_))) =>
        {
            Err("{name+} stands only at the end")
        }
        _ => Ok(segments),
    }
}

fn segment(text: &str) -> Result<Segment, &'static str> {
    let Some(name) = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
    else {
        return if text.contains(['{', '}']) {
            Err("a parameter is a whole segment")
        } else {
            Ok(Segment::Exact(text.to_owned()))
        };
    };
    Ok(match name.strip_suffix('+') {
        Some(name) => Segment::Greedy(name.to_owned()),
        None => Segment::Parameter(name.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gateway::http::path::RequestPath;

    fn routes(keys: &[&str]) -> Result<Routes, RouteError> {
        let route = |key: &&str| {
            let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
            HttpRoute {
                method: method.into(),
                path: path.into(),
                target: "F".into(),
                authorizer: None,
                scopes: Vec::new(),
                timeout: Duration::from_secs(1),
            }
        };
        Routes::new(&keys.iter().map(route).collect::<Vec<_>>())
    }

    #[test]
    fn the_most_specific_route_wins() {
        let most = [
            "$default",
            "ANY /{proxy+}",
            "GET /pets/{proxy+}",
            "GET /pets/dog/{id}",
            "ANY /pets/dog/1",
            "GET /pets/dog/1",
            "POST /pets/{kind}",
        ];
        for (keys, method, path, expected) in [
            (
                &most[..],
                "GET",
                "/pets/dog/1",
                Some(("GET /pets/dog/1", "")),
            ),
            (&most, "PUT", "/pets/dog/1", Some(("ANY /pets/dog/1", ""))),
            (
                &most,
                "GET",
                "/pets/dog/2",
                Some(("GET /pets/dog/{id}", "id=2")),
            ),
            (
                &most,
                "GET",
                "/pets/cat/2",
                Some(("GET /pets/{proxy+}", "proxy=cat/2")),
            ),
            (
                &most,
                "POST",
                "/pets/a%20b%2Fc",
                Some(("POST /pets/{kind}", "kind=a b/c")),
            ),
            (
                &most,
                "DELETE",
                "/pets/cat",
                Some(("ANY /{proxy+}", "proxy=pets/cat")),
            ),
            (&most, "GET", "/", Some(("$default", ""))),
            (
                &["GET /a/{b}/c"],
                "GET",
                "/a/1/c",
                Some(("GET /a/{b}/c", "b=1")),
            ),
            (&["GET /a/{b}/c"], "GET", "/a/1", None),
            (&["GET /a/{b}/c"], "GET", "/a//c", None),
            (&["GET /a/{b}/c"], "GET", "/a/1/c/", None),
            (&["GET /a/{b}/c"], "POST", "/a/1/c", None),
            (&["GET /"], "GET", "/", Some(("GET /", ""))),
        ] {
            let routes = routes(keys).unwrap();
            let path = RequestPath::read(path).unwrap();
            let segments = path.in_stage("$default").unwrap();
            let selected = routes.select(method, segments).map(|selected| {
                let parameters: Vec<_> = selected
                    .parameters
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                (selected.key.to_owned(), parameters.join("&"))
            });
            let expected =
                expected.map(|(key, parameters)| (key.to_owned(), parameters.to_owned()));
            assert_eq!(selected, expected, "{method} {}", path.text());
        }
    }

    #[test]
    fn malformed_paths_are_errors() {
        for key in ["GET pets", "GET /{proxy+}/a", "GET /a{b}"] {
            assert!(routes(&[key]).is_err(), "{key}");
        }
    }
}
