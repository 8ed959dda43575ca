//! The output of a process: every line goes to the log, and its end is kept for callers that
//! request a log tail.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::environment::Deployment;
use crate::{
    bill::Usage,
    logs,
    trace::{Context, Fact, FadedContext, Kind, Level, Span, Trace},
};

/// Longer lines are split, as on Lambda.
const LONGEST_LINE: u64 = 256 * 1024;
/// The part of a log that Lambda returns, in bytes.
const TAIL: usize = 4 * 1024;
/// The time limit for reading what is in a pipe.
const PATIENCE: Duration = Duration::from_secs(1);

/// A request to a reader: reply when everything written so far has been read.
type Asked = oneshot::Sender<()>;

/// Standard output and standard error of one process, read until they close.
#[derive(Debug, Default)]
pub(super) struct Output {
    log: Arc<Log>,
    readers: Vec<mpsc::Sender<Asked>>,
}

/// What has been read.
#[derive(Debug, Default)]
struct Log {
    tail: Mutex<Tail>,
    trace: Trace,
    /// The invocation that the lines belong to.
    context: Mutex<Option<FadedContext>>,
}

impl Output {
    /// Creates the output of a process, whose lines are recorded in `trace`.
    pub fn new(trace: Trace) -> Self {
        let log = Log {
            trace,
            ..Log::default()
        };
        Self {
            log: Arc::new(log),
            readers: Vec::new(),
        }
    }

    /// Starts to read one of the two streams.
    pub fn read(
        &mut self,
        deployment: &Arc<Deployment>,
        stream: impl AsyncRead + Send + Unpin + 'static,
    ) {
        let (reader, asked) = mpsc::channel(1);
        self.readers.push(reader);
        tokio::spawn(log_lines(
            Arc::clone(deployment),
            BufReader::new(stream),
            Arc::clone(&self.log),
            asked,
        ));
    }

    /// Discards earlier output and starts the tail with `line`. What follows belongs to `span`.
    pub fn begin_tail(&self, line: &str, span: &Span) {
        *lock(&self.log.context) = span.context().map(Context::faded);
        let mut tail = lock(&self.log.tail);
        tail.0.clear();
        tail.push(line.as_bytes());
    }

    /// Returns the end of the output since the beginning of the tail, including what is still in
    /// the pipes, followed by `line`.
    pub async fn end_tail(&self, line: &str) -> Vec<u8> {
        for reader in &self.readers {
            let (asked, read) = oneshot::channel();
            // Errors mean that the stream has ended, so it has been read.
            if reader.send(asked).await.is_ok() {
                // The time limit is for a process that never stops writing.
                let _ = timeout(PATIENCE, read).await;
            }
        }
        let mut tail = lock(&self.log.tail);
        tail.push(line.as_bytes());
        tail.0.iter().copied().collect()
    }
}

/// Lines with their line feeds. The oldest bytes are dropped first.
#[derive(Debug, Default)]
struct Tail(VecDeque<u8>);

impl Tail {
    fn push(&mut self, line: &[u8]) {
        self.0.extend(line);
        self.0.push_back(b'\n');
        let surplus = self.0.len().saturating_sub(TAIL);
        self.0.drain(..surplus);
    }
}

async fn log_lines(
    deployment: Arc<Deployment>,
    mut stream: impl AsyncBufRead + Unpin,
    log: Arc<Log>,
    mut asked: mpsc::Receiver<Asked>,
) {
    // Not cleared when a read is cancelled in the middle of a line: the next read continues it.
    let mut line = Vec::new();
    let mut requests_possible = true;
    loop {
        let room = LONGEST_LINE.saturating_sub(line.len() as u64);
        let mut limited = (&mut stream).take(room);
        tokio::select! {
            // Reading comes first: a request is answered when nothing is left to read.
            biased;
            read = limited.read_until(b'\n', &mut line) => {
                if matches!(read, Ok(0) | Err(_)) {
                    break;
                }
                log_line(&deployment, &log, &line);
                line.clear();
            }
            request = asked.recv(), if requests_possible => match request {
                // The caller may have stopped waiting.
                Some(request) => drop(request.send(())),
                None => requests_possible = false,
            }
        }
    }
    // The last line may lack its line feed.
    if !line.is_empty() {
        log_line(&deployment, &log, &line);
    }
}

fn log_line(deployment: &Deployment, log: &Log, line: &[u8]) {
    let line = line.trim_ascii_end();
    let text = String::from_utf8_lossy(line);
    let shown = logs::function_line(&deployment.name, &text);
    lock(&log.tail).push(line);
    if !log.trace.is_on() {
        return;
    }
    let context = lock(&log.context).as_ref().map(FadedContext::context);
    let (level, message) = shown.unwrap_or_default();
    let fact = Fact::new(Kind::Log, &message)
        .with("faas.name", deployment.logical_id.as_str())
        .with("log.severity", level.as_str())
        .with("log.record.original", &*text)
        .with("log.record.size", line.len())
        .level(match level.as_str() {
            "ERROR" => Level::Error,
            "WARN" => Level::Warning,
            _ => Level::Ok,
        })
        .usage(Usage::log(line.len()));
    log.trace.record(log.trace.inside(context.as_ref()), fact);
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_last_four_kilobytes() {
        let mut tail = Tail::default();
        tail.push(b"first");
        assert_eq!(tail.0, *b"first\n");
        tail.push(&[b'x'; TAIL - 1]);
        assert_eq!(tail.0.len(), TAIL);
        assert_eq!(tail.0.front(), Some(&b'x'));
    }
}
