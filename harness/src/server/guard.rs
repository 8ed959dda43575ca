//! Keeps web pages away from the services of this machine.
//!
//! A developer's browser also shows pages of the internet. Such a page can send requests to
//! 127.0.0.1. A *simple* request (one without a preflight) is performed even though the page cannot
//! read the response. So every listener makes two checks:
//!
//! 1. `Host` must be a loopback name. A page can let its own host name resolve to this machine (DNS
//!    rebinding), but then the browser sends that name as `Host`.
//! 2. `Origin` and `Sec-Fetch-Site` reveal a page, because only browsers send them. [`Pages`] says
//!    which pages a listener accepts. AWS CLI, SDKs, boto3 and `cargo lambda invoke` send neither.
//!
//! | listener | pages |
//! | --- | --- |
//! | Lambda, DynamoDB | none. Preflights get 403, and CORS headers of an engine are removed |
//! | WebSocket API | handshakes of all pages: the template's authorizer checks `Origin`. `@connections`: none |
//! | HTTP API | all: the template's CORS applies, as on AWS |
//! | S3 | all that the CORS rules of the bucket allow; images and downloads of all |
//! | `/.local/` on the same port | pages of this machine, on any port |

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::loopback::{asked_name, is_loopback_origin};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const CORS_PREFIX: &str = "access-control-";
/// The issuer and the controls of the harness, on the port of the HTTP API.
const LOCAL_PREFIX: &str = "/.local/";

/// The web pages that a listener accepts requests from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// None: an AWS service for programs.
    None,
    /// All for handshakes, none for other requests: a WebSocket API with its management API.
    Sockets,
    /// All, by the template's CORS. For `/.local/` only pages of this machine.
    Cors,
}

impl Pages {
    fn accept(self, request: &Request) -> bool {
        let headers = request.headers();
        match self {
            Self::None => !is_from_page(headers),
            Self::Sockets => headers.contains_key(header::UPGRADE) || !is_from_page(headers),
            Self::Cors if request.uri().path().starts_with(LOCAL_PREFIX) => {
                match headers.get(header::ORIGIN) {
                    Some(origin) => origin.to_str().is_ok_and(is_loopback_origin),
                    None => !is_cross_site(headers),
                }
            }
            Self::Cors => true,
        }
    }
}

/// Middleware: rejects requests of pages that `pages` does not accept.
pub(super) async fn only_permitted_pages(
    State(pages): State<Pages>,
    request: Request,
    next: Next,
) -> Response {
    if !pages.accept(&request) {
        return forbidden("Web pages may not call this service.\n");
    }
    let mut response = next.run(request).await;
    if pages == Pages::None {
        let headers = response.headers_mut();
        let cors: Vec<HeaderName> = headers
            .keys()
            .filter(|name| name.as_str().starts_with(CORS_PREFIX))
            .cloned()
            .collect();
        for name in cors {
            headers.remove(name);
        }
    }
    response
}

/// Middleware: rejects requests for other names than this machine's own.
pub(super) async fn only_loopback_names(request: Request, next: Next) -> Response {
    if asked_name(request.headers()).is_some() {
        next.run(request).await
    } else {
        forbidden("This server answers to localhost, 127.0.0.1 and [::1] only.\n")
    }
}

/// Whether a page sent the request. `Sec-Fetch-Site: none` means that the user typed the address.
fn is_from_page(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
        || headers.get(FETCH_SITE).is_some_and(|site| site != "none")
}

/// Whether a page of another site sent the request. Other local ports are the same site.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers
        .get(FETCH_SITE)
        .is_some_and(|site| site == "cross-site")
}

fn forbidden(message: &'static str) -> Response {
    (StatusCode::FORBIDDEN, message).into_response()
}
