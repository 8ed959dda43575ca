//! The limits of a WebSocket API.

use std::time::Duration;

/// The longest URL of a request, in characters.
pub(super) const LONGEST_URL: usize = 4096;
/// The longest frame, in bytes.
pub(super) const LONGEST_FRAME: usize = 32 * 1024;
/// The longest message, in bytes, in either direction.
pub(super) const LONGEST_MESSAGE: usize = 128 * 1024;
/// Messages queued for a client that reads too slowly. The management API refuses one more.
pub(super) const OUTGOING_MESSAGES: usize = 128;
/// The bytes of these messages.
pub(super) const OUTGOING_BYTES: usize = 8 * LONGEST_MESSAGE;
/// Messages of one client that may be in progress. The socket is not read while one more waits.
pub(super) const INCOMING_MESSAGES: usize = 64;
/// A connection is closed after this time without a message in either direction.
pub(super) const IDLE: Duration = Duration::from_secs(10 * 60);
/// No connection lives longer.
pub(super) const LONGEST_LIFE: Duration = Duration::from_secs(2 * 60 * 60);
