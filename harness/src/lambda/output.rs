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
use crate::logs;

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
    tail: Arc<Mutex<Tail>>,
    readers: Vec<mpsc::Sender<Asked>>,
}

impl Output {
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
            Arc::clone(&self.tail),
            asked,
        ));
    }

    /// Discards earlier output and starts the tail with `line`.
    pub fn begin_tail(&self, line: &str) {
        let mut tail = lock(&self.tail);
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
        let mut tail = lock(&self.tail);
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
    tail: Arc<Mutex<Tail>>,
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
                log_line(&deployment, &tail, &line);
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
        log_line(&deployment, &tail, &line);
    }
}

fn log_line(deployment: &Deployment, tail: &Mutex<Tail>, line: &[u8]) {
    let line = line.trim_ascii_end();
    logs::function_line(&deployment.name, &String::from_utf8_lossy(line));
    lock(tail).push(line);
}

fn lock(tail: &Mutex<Tail>) -> MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
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
