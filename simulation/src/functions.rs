//! Functions as Lambda runs them: they may not start, start late, die, or run out of time.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use chat::{
    domain::{Connection, Identity, Timestamp},
    error::RequestError,
    fields::Fields,
    ports::Clock as _,
    request::{Request, Route, in_time},
    routes::{Ping, SendMessage, Subscribe, Unsubscribe},
    websocket::{Inbound, answer},
    wire::Problem,
};
use futures_channel::oneshot;
use futures_util::future::{BoxFuture, Either, select};
use serde_json::Value;

use crate::{
    faults::{Kind, Place},
    ports::Ports,
    stage::Stage,
};

/// Lambda's limit, as the template has it.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);
/// What `chat_aws` keeps back of it.
const MARGIN: Duration = Duration::from_millis(300);
/// What it keeps back to tell that there is no answer.
const LAST_MOMENT: Duration = Duration::from_millis(100);
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a function to its end. Nothing if it has none.
pub async fn run<T>(
    stage: &Arc<Stage>,
    place: Place,
    handle: impl FnOnce(Arc<Ports>, Timestamp) -> BoxFuture<'static, T> + Send,
) -> Option<T> {
    if stage.faults.strikes(Kind::Throttled, place) {
        stage.tell(|| "  the function does not start".to_owned());
        return None;
    }
    let chance = place.within(1).chance();
    stage
        .sleep(Duration::from_millis(1 + chance.below(6)))
        .await;
    if stage.faults.strikes(Kind::ColdStart, place) {
        stage
            .sleep(Duration::from_millis(300 + chance.below(2_200)))
            .await;
    }
    stage.count("functions");
    stage.under_way.fetch_add(1, Ordering::Relaxed);
    let ports = Arc::new(Ports::new(stage, place.within(2)));
    let deadline = stage.chat.now().plus(TIME_LIMIT - MARGIN);
    let mut work = Some(handle(Arc::clone(&ports), deadline));
    let work = poll_fn(|context| {
        let Some(future) = &mut work else {
            return Poll::Ready(None);
        };
        let polled = future.as_mut().poll(context);
        if ports.is_dead() {
            // Nothing is left of it.
            work = None;
            return Poll::Ready(None);
        }
        polled.map(Some)
    });
    let outcome = match select(pin!(work), pin!(stage.sleep(TIME_LIMIT))).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => {
            stage.count("functions that ran out of time");
            stage.tell(|| "  the function runs out of time".to_owned());
            None
        }
    };
    stage.under_way.fetch_sub(1, Ordering::Relaxed);
    if outcome.is_some() {
        stage.observer().ended(&ports, deadline);
    }
    outcome
}

/// Answers a frame; nothing if the function has no end.
pub async fn message(
    stage: &Arc<Stage>,
    place: Place,
    identity: Identity,
    connection: Connection,
    text: String,
) -> Option<String> {
    let watched = (
        connection.id.clone(),
        stage.observer().asks(&connection.id, &text),
    );
    let stage_here = Arc::clone(stage);
    run(stage, place, |ports, deadline| {
        Box::pin(async move {
            let action: Value = serde_json::from_str(&text).unwrap_or_default();
            let inbound = Inbound {
                identity,
                connection,
                text: &text,
                deadline,
                request_id: "request",
            };
            let last_moment = ports.sleep(deadline.since(ports.now()) + MARGIN - LAST_MOMENT);
            let answer = match action["action"].as_str() {
                Some("sendMessage") => {
                    answer::<(SendMessage,), _>(&*ports, inbound, last_moment).await
                }
                Some("subscribe" | "unsubscribe" | "ping") => {
                    answer::<(Subscribe, Unsubscribe, Ping), _>(&*ports, inbound, last_moment).await
                }
                _ => answer::<(), _>(&*ports, inbound, last_moment).await,
            };
            let (connection, asked) = watched;
            let reply = serde_json::from_str(&answer.frame).unwrap_or_default();
            stage_here
                .observer()
                .answered(&ports, Some(&connection), asked, &reply, deadline);
            answer.frame
        })
    })
    .await
}

/// What became of a request by HTTP.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Granted(Value),
    Refused(Value),
    /// Nobody knows.
    Unanswered,
}

/// Asks a route by HTTP. The function goes on, however long somebody waits for it; it holds on to `token` so long.
pub async fn http<R: Route<Ports> + 'static>(
    stage: &Arc<Stage>,
    place: Place,
    user: &str,
    fields: Value,
    token: impl Send + Sync + 'static,
) -> Reply {
    let chance = place.within(5).chance();
    let (answer, answered) = oneshot::channel();
    let identity = stage.chat.identity(user);
    let here = Arc::clone(stage);
    stage.tasks.spawn(async move {
        let stage = here;
        stage
            .sleep(Duration::from_millis(2 + chance.below(40)))
            .await;
        if stage.faults.strikes(Kind::HttpRequestLost, place) {
            stage.tell(|| format!("  a request of {} by HTTP is lost", identity.user));
            return;
        }
        let stage_here = Arc::clone(&stage);
        let reply = run(&stage, place, |ports, deadline| {
            Box::pin(async move {
                let request = Request {
                    identity,
                    connection: None,
                    fields: Fields::from_object(fields.as_object().cloned().unwrap_or_default()),
                    deadline,
                };
                let last_moment = ports.sleep(deadline.since(ports.now()) + MARGIN - LAST_MOMENT);
                match in_time(R::handle(&*ports, &request), last_moment).await {
                    Ok(reply) => {
                        let reply = serde_json::to_value(reply).unwrap_or_default();
                        stage_here
                            .observer()
                            .answered(&ports, None, None, &reply, deadline);
                        Reply::Granted(reply)
                    }
                    Err(RequestError::Rejected(rejection)) => {
                        refused(&Problem::rejected(&rejection))
                    }
                    Err(RequestError::Internal(_)) => refused(&Problem::internal("request")),
                }
            })
        })
        .await;
        drop(token);
        stage
            .sleep(Duration::from_millis(2 + chance.below(40)))
            .await;
        if stage.faults.strikes(Kind::HttpAnswerLost, place) {
            stage.tell(|| "  an answer by HTTP is lost".to_owned());
            return;
        }
        let _ = answer.send(reply.unwrap_or(Reply::Unanswered));
    });
    match select(answered, pin!(stage.sleep(PATIENCE))).await {
        Either::Left((Ok(reply), _)) => reply,
        _ => Reply::Unanswered,
    }
}

fn refused(problem: &Problem) -> Reply {
    Reply::Refused(serde_json::to_value(problem).unwrap_or_default())
}
