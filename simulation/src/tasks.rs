//! The tasks of a run: requests, frames in transit, and timers of clients. The fakes' runtime owns
//! the time.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Mutex,
    task::Poll,
};

use chat::fakes::Runtime;
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};

/// Tasks that were spawned and not polled yet.
#[derive(Default)]
pub struct Tasks(Mutex<Vec<BoxFuture<'static, ()>>>);

impl Tasks {
    /// Runs a future concurrently with all others.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap().push(Box::pin(task));
    }

    /// Runs a future and all tasks that it spawns, until the future ends. Unfinished tasks are
    /// dropped.
    pub fn run<T>(&self, runtime: &Runtime, main: impl Future<Output = T>) -> T {
        let mut running = FuturesUnordered::new();
        let mut main = pin!(main);
        runtime.run(poll_fn(|context| {
            if let Poll::Ready(result) = main.as_mut().poll(context) {
                return Poll::Ready(result);
            }
            loop {
                running.extend(std::mem::take(&mut *self.0.lock().unwrap()));
                match running.poll_next_unpin(context) {
                    Poll::Ready(Some(())) => {}
                    Poll::Ready(None) | Poll::Pending if self.0.lock().unwrap().is_empty() => {
                        return Poll::Pending;
                    }
                    Poll::Ready(None) | Poll::Pending => {}
                }
            }
        }))
    }
}
