//! Prepares events for `lambda_http`, which makes a URL of what the client sent and panics if that is
//! not one. In a release build a panic ends the process.

use lambda_http::{LambdaEvent, http::header::HOST, request::LambdaRequest};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The header that `lambda_http` takes the URL's scheme from.
const SCHEME: &str = "x-forwarded-proto";
/// Everything that a query must not contain (RFC 3986, section 3.4). Escapes stay as they are.
const NOT_IN_A_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'%')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/')
    .remove(b'?');

/// Makes the parts of the event's URL valid: encodes the query, begins the path with a slash, and
/// removes the client's `Host`, so that the URL has the gateway's own domain name. No route reads
/// these headers.
pub fn with_valid_url(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        request.headers.remove(HOST);
        request.headers.remove(SCHEME);
        if let Some(path) = &mut request.raw_path
            && !path.starts_with('/')
        {
            path.insert(0, '/');
        }
        if let Some(query) = &mut request.raw_query_string {
            *query = utf8_percent_encode(query, NOT_IN_A_QUERY).to_string();
        }
    }
    event
}
