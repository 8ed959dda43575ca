//! Sockets, and the use of processor and memory that the operating system reports.

use std::{collections::HashMap, fs, time::Duration};

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use nix::unistd::{SysconfVar, sysconf};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

use crate::adapter::{Adapter, Event};

/// How long a connect may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub type Sender = SplitSink<WebSocketStream<TcpStream>, Message>;

pub struct Receiver(SplitStream<WebSocketStream<TcpStream>>);

impl Receiver {
    /// Returns the next frame's events. Fails with the reason if the connection has ended.
    pub async fn next(&mut self, adapter: &dyn Adapter) -> Result<Vec<Event>, String> {
        match self.0.next().await {
            None => Err("end of stream".to_owned()),
            Some(Err(error)) => Err(kind(&error)),
            Some(Ok(Message::Close(close))) => Err(format!(
                "close {}",
                close.map_or(0, |close| close.code.into())
            )),
            Some(Ok(message)) => Ok(adapter.decode(&message)),
        }
    }
}

fn kind(error: &Error) -> String {
    match error {
        Error::Http(response) => format!("http {}", response.status().as_u16()),
        Error::Io(error) => format!("io {:?}", error.kind()),
        Error::ConnectionClosed | Error::AlreadyClosed => "closed".to_owned(),
        other => other.to_string().chars().take(40).collect(),
    }
}

/// Connects, sends the hello frame if there is one, and waits until the conversation is live. Fails
/// after 60 s.
pub async fn open(
    adapter: &dyn Adapter,
    base: &str,
    token: &str,
    conversation: &str,
    after: Option<u64>,
) -> Result<(Sender, Receiver), String> {
    let opening = async {
        let stream = connect(base).await?;
        let settings = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(0);
        let request = adapter.connect(base, token, conversation)?;
        let (socket, _) = client_async_with_config(request, stream, Some(settings))
            .await
            .map_err(|error| kind(&error))?;
        let (mut sender, receiver) = socket.split();
        let mut receiver = Receiver(receiver);
        if let Some(hello) = adapter.hello(conversation, after) {
            sender.send(hello).await.map_err(|error| kind(&error))?;
            loop {
                let events = receiver.next(adapter).await?;
                if events.iter().any(|event| matches!(event, Event::Ready)) {
                    break;
                }
            }
        }
        Ok((sender, receiver))
    };
    timeout(PATIENCE, opening)
        .await
        .unwrap_or_else(|_| Err("timeout".to_owned()))
}

pub async fn connect(base: &str) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(base)
        .await
        .map_err(|error| format!("tcp {:?}", error.kind()))?;
    stream
        .set_nodelay(true)
        .map_err(|error| format!("tcp {:?}", error.kind()))?;
    Ok(stream)
}

/// Sends a request on an open connection. Returns the status and the body of its response.
pub async fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<(u16, String), String> {
    let io = |error: std::io::Error| format!("io {:?}", error.kind());
    stream.write_all(request).await.map_err(io)?;
    let mut received = Vec::with_capacity(2048);
    loop {
        let read = stream.read_buf(&mut received).await.map_err(io)?;
        if read == 0 {
            return Err("end of stream".to_owned());
        }
        let text = String::from_utf8_lossy(&received);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let complete = match head.split_once("content-length:") {
            Some((_, rest)) => {
                let length = rest.lines().next().unwrap_or_default().trim();
                body.len() >= length.parse().unwrap_or(0)
            }
            None if head.contains("transfer-encoding: chunked") => body.ends_with("0\r\n\r\n"),
            None => true,
        };
        if complete {
            let status = head.get(9..12).and_then(|status| status.parse().ok());
            return Ok((status.ok_or("no status")?, body.to_owned()));
        }
    }
}

/// The processor time and the memory of a process and its descendants.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub cpu_s: f64,
    pub rss_mb: f64,
}

/// Returns the sum over `root` and its descendants.
pub fn tree_usage(root: u32) -> Usage {
    let pages = ticks(SysconfVar::PAGE_SIZE);
    let mut processes: HashMap<u32, (u32, Usage)> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let Some((_, fields)) = text.rsplit_once(')') else {
            continue;
        };
        let fields: Vec<f64> = fields
            .split_whitespace()
            .skip(1)
            .map(|field| field.parse().unwrap_or(0.0))
            .collect();
        if let [parent, ..] = fields[..]
            && fields.len() > 20
        {
            let usage = Usage {
                cpu_s: (fields[10] + fields[11]) / ticks(SysconfVar::CLK_TCK),
                rss_mb: fields[20] * pages / 1_048_576.0,
            };
            processes.insert(pid, (parent as u32, usage));
        }
    }
    let mut sum = Usage::default();
    for (&pid, &(_, usage)) in &processes {
        let mut ancestor = pid;
        while ancestor != root && ancestor > 1 {
            ancestor = processes.get(&ancestor).map_or(0, |(parent, _)| *parent);
        }
        if ancestor == root {
            sum.cpu_s += usage.cpu_s;
            sum.rss_mb += usage.rss_mb;
        }
    }
    sum
}

/// Seconds of processor time that the whole machine has used.
pub fn machine_busy() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    // User, nice, system, irq and softirq, but neither idle nor iowait.
    let busy: f64 = [0, 1, 2, 5, 6]
        .iter()
        .filter_map(|&at| fields.get(at))
        .sum();
    busy / ticks(SysconfVar::CLK_TCK)
}

fn ticks(variable: SysconfVar) -> f64 {
    sysconf(variable).ok().flatten().unwrap_or(100) as f64
}
