//! Requests to the controls and the issuers of the harness: fault plans, the clock, and logins.

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use harness::{
    cognito::Cognito,
    faults::{self, Faults},
    gateway::clock::Clock,
    identity::Identity,
};
use tower::ServiceExt;

use super::{block_on, http_api::request};
use crate::message::Message;

thread_local! {
    /// Their keys are made once.
    static ISSUERS: (Identity, Cognito) = {
        let issuer = "http://127.0.0.1:3000/.local";
        let audience = || "local-development".to_owned();
        let identity = Identity::new(issuer.to_owned(), audience(), None).unwrap();
        (identity, Cognito::new(format!("{issuer}/cognito"), audience(), None))
    };
}

pub fn run(data: &[u8]) {
    let Some(request) = Message::read(data).and_then(request) else {
        return;
    };
    let (faults, clock) = (Faults::default(), Clock::default());
    let controls = faults::router(faults, clock);
    let router = ISSUERS.with(|(identity, cognito)| {
        let issuers = identity.router().merge(cognito.router());
        issuers.merge(controls)
    });
    block_on(async {
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let expected = [200, 204, 400, 404, 405, 413];
        assert!(expected.contains(&status), "{status}");
        to_bytes(response.into_body(), usize::MAX).await.unwrap();
        // A plan that was accepted can be shown.
        let shown = Request::get("/.local/faults").body(Body::empty()).unwrap();
        let shown = router.oneshot(shown).await.unwrap();
        assert_eq!(shown.status().as_u16(), 200);
    });
}
