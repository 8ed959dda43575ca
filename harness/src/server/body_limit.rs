//! A time limit for a client that stops sending the body of its request. Without it, clients that
//! send a body by half would keep the memory of that half for ever.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may send no further part of a body.
const LIMIT: Duration = Duration::from_secs(120);

/// The client has sent no further part of the body within the limit.
#[derive(Debug, thiserror::Error)]
#[error("the rest of the request's body did not come in time")]
struct BodyStalled;

/// Middleware: the body of the request fails if no part of it comes for [`LIMIT`].
pub(super) async fn until_it_stalls(request: Request, next: Next) -> Response {
    let bounded = |body| {
        Body::new(Bounded {
            body,
            ends: Box::pin(sleep(LIMIT)),
        })
    };
    next.run(request.map(bounded)).await
}

/// A body with a time limit for each of its parts.
struct Bounded {
    body: Body,
    ends: Pin<Box<Sleep>>,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_ready() {
            self.ends.as_mut().reset(Instant::now() + LIMIT);
            return polled;
        }
        match self.ends.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Error::new(BodyStalled)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
