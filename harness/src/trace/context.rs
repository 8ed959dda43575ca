//! The span that an event belongs to: ids, the value that follows a task, and the invocations that
//! run at the moment.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    bill::{Meter, Usage},
    iam::Caller,
};

tokio::task_local! {
    static CURRENT: Context;
}

/// The id of a trace: 16 bytes, the first four of which are its second, as in X-Ray.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// The id of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

impl TraceId {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let second = u128::from(now.unwrap_or_default().as_secs() & 0xffff_ffff);
        Self(second << 96 | rand::random::<u128>() >> 32)
    }

    /// Reads 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| u128::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl SpanId {
    pub(super) fn new() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// A span, for the events inside it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
    /// `None` if it is complete already.
    pub(super) action: Option<Arc<Action>>,
}

/// A context that does not keep its action from being complete.
#[derive(Clone, Debug)]
pub(crate) struct FadedContext {
    trace: TraceId,
    span: SpanId,
    action: Weak<Action>,
}

impl FadedContext {
    /// Returns the context again.
    pub fn context(&self) -> Context {
        Context {
            trace: self.trace,
            span: self.span,
            action: self.action.upgrade(),
        }
    }
}

impl Context {
    pub(super) fn root(action: Arc<Action>) -> Self {
        Self {
            trace: TraceId::new(),
            span: SpanId::new(),
            action: Some(action),
        }
    }

    /// Returns the context without its hold on the action.
    pub(crate) fn faded(&self) -> FadedContext {
        FadedContext {
            trace: self.trace,
            span: self.span,
            action: self.action.as_ref().map(Arc::downgrade).unwrap_or_default(),
        }
    }

    pub(super) fn inner(&self) -> Self {
        Self {
            span: SpanId::new(),
            ..self.clone()
        }
    }

    /// Returns the value of `X-Amzn-Trace-Id` for what the span calls. Nothing is sampled.
    #[must_use]
    pub fn header(&self) -> String {
        let trace = self.trace.to_string();
        let (second, rest) = trace.split_at_checked(8).unwrap_or_default();
        format!("Root=1-{second}-{rest};Parent={};Sampled=0", self.span)
    }
}

/// Returns the context of the current task.
#[must_use]
pub fn current() -> Option<Context> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Runs `future` with a context, which the tasks that it spawns do not inherit.
pub async fn within<F: Future>(context: Option<Context>, future: F) -> F::Output {
    match context {
        Some(context) => CURRENT.scope(context, future).await,
        None => future.await,
    }
}

/// Calls a function with a context, like [`within`].
pub(crate) fn called_within<T>(context: Option<&Context>, call: impl FnOnce() -> T) -> T {
    match context {
        Some(context) => CURRENT.sync_scope(context.clone(), call),
        None => call(),
    }
}

/// What a client or an event source asked for. It is complete when nothing works on it any more,
/// which is when its last context is dropped.
#[derive(Debug)]
pub(super) struct Action {
    name: String,
    usage: Mutex<Usage>,
    meter: Arc<Meter>,
}

impl Action {
    pub fn new(name: String, meter: Arc<Meter>) -> Self {
        Self {
            name,
            usage: Mutex::default(),
            meter,
        }
    }

    pub fn add(&self, usage: &Usage) {
        let mut sum = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        *sum += *usage;
    }
}

impl Drop for Action {
    fn drop(&mut self) {
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        self.meter.end_of_action(&self.name, &usage);
    }
}

/// The invocations that run at the moment.
#[derive(Debug, Default)]
pub(super) struct Running {
    invocations: Arc<Mutex<Vec<Invocation>>>,
    entered: AtomicU64,
}

#[derive(Debug)]
struct Invocation {
    number: u64,
    /// The logical id of the function.
    function: Box<str>,
    context: Context,
}

/// The time of an invocation in [`Running`].
#[derive(Debug)]
pub(crate) struct Entered {
    invocations: Arc<Mutex<Vec<Invocation>>>,
    number: u64,
}

impl Running {
    pub fn enter(&self, function: &str, context: Context) -> Entered {
        let number = self.entered.fetch_add(1, Ordering::Relaxed);
        lock(&self.invocations).push(Invocation {
            number,
            function: function.into(),
            context,
        });
        Entered {
            invocations: Arc::clone(&self.invocations),
            number,
        }
    }

    /// Returns the context of the invocation that `header` names, or of the only one of `caller`.
    pub fn find(&self, header: Option<&str>, caller: &Caller) -> Option<Context> {
        let Caller::Function(caller) = caller else {
            return None;
        };
        let invocations = lock(&self.invocations);
        let named = header.and_then(parent).and_then(|span| {
            let mut running = invocations.iter();
            running.find(|running| running.context.span == span)
        });
        if let Some(named) = named {
            return Some(named.context.clone());
        }
        let mut own = invocations
            .iter()
            .filter(|running| *running.function == **caller);
        match (own.next(), own.next()) {
            (Some(only), None) => Some(only.context.clone()),
            _ => None,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut invocations = lock(&self.invocations);
        let place = invocations
            .iter()
            .position(|running| running.number == self.number);
        let ended = place.map(|place| invocations.swap_remove(place));
        // Dropped after the lock: the end of an action locks the meter.
        drop(invocations);
        drop(ended);
    }
}

/// Returns the span in `Root=…;Parent=…;Sampled=…`.
fn parent(header: &str) -> Option<SpanId> {
    let mut fields = header.split(';');
    let parent = fields.find_map(|field| field.trim().strip_prefix("Parent="))?;
    u64::from_str_radix(parent, 16).ok().map(SpanId)
}

fn lock(invocations: &Mutex<Vec<Invocation>>) -> MutexGuard<'_, Vec<Invocation>> {
    invocations.lock().unwrap_or_else(PoisonError::into_inner)
}
