//! Keeps the messages of all queues in a file between two starts: with `--data`, they are written at
//! the end and read at the start. A harness that is killed keeps those of the start before.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{
    message::{Message, WrittenAttribute},
    queues::Queues,
};

/// A message in the file.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    body: String,
    #[serde(default)]
    attributes: BTreeMap<String, WrittenAttribute>,
    sender: String,
    sent: u64,
    first_received: Option<u64>,
    receives: u32,
    receipt: Option<String>,
    moved_from: Option<String>,
    /// Milliseconds since 1970 at which it becomes visible, and at which it is deleted.
    visible: u64,
    expires: u64,
}

impl Queues {
    /// Writes all messages to `file`.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn keep(&self, file: &Path) -> io::Result<()> {
        let now = self.now();
        let mut all: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
        let system = milliseconds();
        let later = |instant: tokio::time::Instant| {
            let left = instant.saturating_duration_since(now.instant).as_millis();
            system + u64::try_from(left).unwrap_or(0)
        };
        self.each(|name, queue| {
            let kept = queue.messages().map(|(visible, message)| Kept {
                id: message.id.clone(),
                body: message.body.clone(),
                attributes: message.attributes.clone(),
                sender: message.sender.clone(),
                sent: message.sent,
                first_received: message.first_received,
                receives: message.receives,
                receipt: message.receipt.clone(),
                moved_from: message.moved_from.clone(),
                visible: later(visible),
                expires: later(message.expires),
            });
            all.insert(name.to_owned(), kept.collect());
        });
        let unfinished = file.with_extension("unfinished");
        fs::write(&unfinished, serde_json::to_vec(&all)?)?;
        fs::rename(unfinished, file)
    }

    /// Adds the messages of `file`, if it exists.
    ///
    /// # Errors
    /// Fails if the file cannot be read.
    pub fn restore(&self, file: &Path) -> io::Result<()> {
        let text = match fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut all: BTreeMap<String, Vec<Kept>> = serde_json::from_slice(&text)?;
        let now = self.now();
        let system = milliseconds();
        let at = |time: u64| now.instant + Duration::from_millis(time.saturating_sub(system));
        self.each(|name, queue| {
            for kept in all.remove(name).unwrap_or_default() {
                let message = Message {
                    id: kept.id,
                    body: kept.body,
                    attributes: kept.attributes,
                    sender: kept.sender,
                    sent: kept.sent,
                    first_received: kept.first_received,
                    receives: kept.receives,
                    receipt: kept.receipt,
                    moved_from: kept.moved_from,
                    expires: at(kept.expires),
                };
                queue.put(at(kept.visible), message);
            }
        });
        Ok(())
    }
}

fn milliseconds() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}
