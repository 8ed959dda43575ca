//! What a browser says of a push subscription, and the list of push services: deployed functions
//! check both before they send anything to an address of a stranger.
//!
//! The lines are the endpoint, the two keys and the list of services; without a list it is the one of
//! the deployed functions. The rest is the content of a message.

use url::Url;
use web_push::{
    EncryptionError, KNOWN_SERVICES, LONGEST_CONTENT, Services, Subscription, VapidKey, encrypt,
};

use crate::message::first_line;

/// The pair of the example in RFC 8291.
const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const PUBLIC: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

thread_local! {
    static KNOWN: Services = Services::parse(KNOWN_SERVICES).unwrap();
    static KEY: VapidKey = VapidKey::parse(PRIVATE, PUBLIC, "mailto:ops@chat.example").unwrap();
}

pub fn run(data: &[u8]) {
    let (endpoint, rest) = first_line(data);
    let (public, rest) = first_line(rest);
    let (secret, rest) = first_line(rest);
    let (list, content) = first_line(rest);
    let [Ok(endpoint), Ok(public), Ok(secret), Ok(list)] =
        [endpoint, public, secret, list].map(std::str::from_utf8)
    else {
        return;
    };
    if KNOWN.with(|known| known.require(endpoint)).is_ok() {
        require_known(endpoint);
    }
    if let Ok(services) = Services::parse(list) {
        // The other list is not that of the deployed functions, so its answer may be anything.
        let _ = services.require(endpoint);
    }
    if let Ok(authorization) = KEY.with(|key| key.authorization(endpoint, 1_800_000_000)) {
        assert!(authorization.is_ascii(), "{authorization}");
    }
    let Ok(subscription) = Subscription::parse(public, secret) else {
        return;
    };
    match encrypt(&subscription, content, LONGEST_CONTENT) {
        Ok(body) => assert!(body.len() <= 4_096, "services refuse {} bytes", body.len()),
        Err(EncryptionError::TooLong(length)) => assert!(length > LONGEST_CONTENT),
        // The point is not on the curve.
        Err(EncryptionError::Cryptography) => {}
    }
}

/// Asserts that another parser of URLs finds the endpoint at a known service, too.
fn require_known(endpoint: &str) {
    let url = Url::parse(endpoint).expect("an endpoint is a URL");
    let host = url.host_str().unwrap_or_default();
    let is_known = KNOWN_SERVICES.split(',').any(|service| match service.strip_prefix('*') {
        Some(end) => host.ends_with(end),
        None => host == service,
    });
    assert!(is_known, "{host}");
    assert_eq!((url.scheme(), url.port()), ("https", None));
    assert_eq!((url.username(), url.password()), ("", None));
}
