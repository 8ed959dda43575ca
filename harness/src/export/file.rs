//! A recording: one JSON object a line.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde_json::json;

use super::Sink;
use crate::trace::Batch;

/// An open recording.
#[derive(Debug)]
pub(super) struct Recording(File);

impl Recording {
    /// Creates the file, readable by its owner only, or empties it.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        options.open(path).map(Self)
    }
}

impl Sink for Recording {
    async fn take(&mut self, batch: &Batch) -> io::Result<()> {
        let mut lines = String::new();
        if batch.lost > 0 {
            lines.push_str(&json!({ "lost": batch.lost }).to_string());
            lines.push('\n');
        }
        for event in &batch.events {
            lines.push_str(&event.json().to_string());
            lines.push('\n');
        }
        // One write for many lines, so that a reader sees whole ones.
        self.0.write_all(lines.as_bytes())
    }
}
