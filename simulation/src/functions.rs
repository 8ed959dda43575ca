//! Functions as Lambda runs them. They may fail to start, start cold, die, or time out.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use chat::{
    domain::{Connection, ConnectionId, Identity, Timestamp},
    error::RequestError,
    fields::Fields,
    ports::Clock as _,
    request::{Request, Route, in_time},
    routes::{
        CatchUp, DeleteMessage, EditMessage, Ping, React, Receipt, SendMessage, Subscribe, Typing,
        Unsubscribe,
    },
    time_limit::{ERROR_MARGIN, REPLY_MARGIN},
    websocket::{Inbound, answer},
    wire::Problem,
};
use futures_channel::oneshot;
use futures_util::future::{BoxFuture, Either, select};
use serde_json::Value;

use crate::{
    faults::{Kind, Place},
    observer::{Asked, FanOut},
    ports::Ports,
    world::World,
};

/// Lambda's timeout, as in the template.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a function. Returns `None` if it does not start, dies or times out.
pub async fn run<T>(
    world: &Arc<World>,
    place: Place,
    handle: impl FnOnce(Arc<Ports>, Timestamp) -> BoxFuture<'static, T> + Send,
) -> Option<T> {
    if world.faults.injects(Kind::Throttled, place) {
        world.trace(|| "  the function does not start".to_owned());
        return None;
    }
    let chance = place.within(1).chance();
    world
        .sleep(Duration::from_millis(1 + chance.below(6)))
        .await;
    if world.faults.injects(Kind::ColdStart, place) {
        world
            .sleep(Duration::from_millis(300 + chance.below(2_200)))
            .await;
    }
    world.count("function invocations");
    world.under_way.fetch_add(1, Ordering::Relaxed);
    let ports = Arc::new(Ports::new(world, place.within(2)));
    let deadline = world.chat.now().plus(TIME_LIMIT - REPLY_MARGIN);
    let mut work = Some(handle(Arc::clone(&ports), deadline));
    let work = poll_fn(|context| {
        let Some(future) = &mut work else {
            return Poll::Ready(None);
        };
        let polled = future.as_mut().poll(context);
        if ports.is_dead() {
            work = None;
            return Poll::Ready(None);
        }
        polled.map(Some)
    });
    let outcome = match select(pin!(work), pin!(world.sleep(TIME_LIMIT))).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => {
            world.count("functions that timed out");
            world.trace(|| "  the function times out".to_owned());
            None
        }
    };
    world.under_way.fetch_sub(1, Ordering::Relaxed);
    if outcome.is_some() {
        let given_up = ports.given_up();
        world.observer().returned(ports.fan_out(deadline), given_up);
    }
    outcome
}

/// Answers a frame. Returns `None` if the function gives no answer.
pub async fn message(
    world: &Arc<World>,
    place: Place,
    identity: Identity,
    connection: Connection,
    text: String,
) -> Option<String> {
    let (watched, hidden) = {
        let observer = world.observer();
        let asked = observer.asks(&connection.id, &text);
        ((connection.id.clone(), asked), observer.presences.hidden())
    };
    let user = identity.user.clone();
    let world_here = Arc::clone(world);
    run(world, place, |ports, deadline| {
        Box::pin(async move {
            let action: Value = serde_json::from_str(&text).unwrap_or_default();
            let inbound = Inbound {
                identity,
                connection,
                text: &text,
                limits: &world_here.chat.limits,
                received_at: ports.now(),
                deadline,
                request_id: "request",
            };
            let last_moment =
                ports.sleep(deadline.since(ports.now()) + REPLY_MARGIN - ERROR_MARGIN);
            let answer = match action["action"].as_str() {
                Some("sendMessage") => {
                    answer::<(SendMessage,), _>(&*ports, inbound, last_moment).await
                }
                Some("typing" | "receipt") => {
                    answer::<(Typing, Receipt), _>(&*ports, inbound, last_moment).await
                }
                Some("editMessage" | "deleteMessage" | "react") => {
                    type Messages = (EditMessage, DeleteMessage, React);
                    answer::<Messages, _>(&*ports, inbound, last_moment).await
                }
                Some("subscribe" | "unsubscribe" | "catchUp" | "ping") => {
                    answer::<(Subscribe, Unsubscribe, CatchUp, Ping), _>(
                        &*ports,
                        inbound,
                        last_moment,
                    )
                    .await
                }
                _ => answer::<(), _>(&*ports, inbound, last_moment).await,
            };
            if answer.outcome == "rate_limited" {
                world_here.count("frames beyond their user's rate");
            }
            let (connection, asked) = watched;
            let reply = serde_json::from_str(&answer.frame).unwrap_or_default();
            let fan_out = ports.fan_out(deadline);
            observe(&world_here, Some(&connection), asked, &reply, fan_out);
            world_here.observer().replied(&user, &hidden, &reply);
            answer.frame
        })
    })
    .await
}

/// Whether a frame has an action without a reply.
pub fn is_silent(text: &str) -> bool {
    let frame: Value = serde_json::from_str(text).unwrap_or_default();
    frame["action"] == "typing" || frame["action"] == "receipt"
}

fn observe(
    world: &World,
    origin: Option<&ConnectionId>,
    asked: Vec<Asked>,
    reply: &Value,
    fan_out: FanOut,
) {
    if reply["duplicate"] == true {
        world.count("duplicates that were recognised");
    }
    let connections = world.connections();
    let mut observer = world.observer();
    observer.answered(&connections, origin, asked, reply, fan_out);
}

/// The outcome of an HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Granted(Value),
    Refused(Value),
    /// The client does not know the outcome.
    Unanswered,
}

/// Calls a route over HTTP. The function runs on after the client stops waiting; `token` lives as
/// long as the function works.
pub async fn http<R: Route<Ports> + 'static>(
    world: &Arc<World>,
    place: Place,
    user: &str,
    fields: Value,
    token: impl Send + Sync + 'static,
) -> Reply {
    let chance = place.within(5).chance();
    let (answer, answered) = oneshot::channel();
    let identity = world.chat.identity(user);
    let here = Arc::clone(world);
    world.tasks.spawn(async move {
        let world = here;
        world
            .sleep(Duration::from_millis(2 + chance.below(40)))
            .await;
        if world.faults.injects(Kind::HttpRequestLost, place) {
            world.trace(|| format!("  an HTTP request of {} is lost", identity.user));
            return;
        }
        let world_here = Arc::clone(&world);
        let reply = run(&world, place, |ports, deadline| {
            Box::pin(async move {
                let request = Request {
                    identity,
                    connection: None,
                    fields: Fields::from_object(fields.as_object().cloned().unwrap_or_default()),
                    deadline,
                };
                let last_moment =
                    ports.sleep(deadline.since(ports.now()) + REPLY_MARGIN - ERROR_MARGIN);
                match in_time(R::handle(&*ports, &request), last_moment).await {
                    Ok(reply) => {
                        let reply = serde_json::to_value(reply).unwrap_or_default();
                        observe(
                            &world_here,
                            None,
                            Vec::new(),
                            &reply,
                            ports.fan_out(deadline),
                        );
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
        world
            .sleep(Duration::from_millis(2 + chance.below(40)))
            .await;
        if world.faults.injects(Kind::HttpAnswerLost, place) {
            world.trace(|| "  an HTTP answer is lost".to_owned());
            return;
        }
        let _ = answer.send(reply.unwrap_or(Reply::Unanswered));
    });
    match select(answered, pin!(world.sleep(PATIENCE))).await {
        Either::Left((Ok(reply), _)) => reply,
        _ => Reply::Unanswered,
    }
}

fn refused(problem: &Problem) -> Reply {
    Reply::Refused(serde_json::to_value(problem).unwrap_or_default())
}
