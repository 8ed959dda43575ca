//! Why a connection ended: what its client reads in the close frame, and what `$disconnect` reads.

use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::session::Disconnection;

/// Everything that can end a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client sent a close frame, perhaps without a code.
    Closed(Option<(u16, String)>),
    /// The management API deleted it.
    Deleted,
    /// No message passed for too long.
    Idle,
    /// It reached the longest life of a connection.
    Expired,
    /// The harness is stopping.
    GoingAway,
    /// A frame or a message was too long.
    TooLong,
    /// The client sent a binary frame.
    Binary,
    /// A text message was not UTF-8.
    NotText,
    /// The client broke the WebSocket protocol.
    Violation,
    /// The network connection ended without a close frame.
    Lost,
}

impl Ending {
    /// Returns the close frame to send, unless the client closed the connection or is gone.
    pub(crate) fn close_frame(&self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Closed(_) | Self::Lost => return None,
            Self::Deleted => (CloseCode::Normal, "Connection Closed Normally"),
            Self::Idle | Self::Expired | Self::GoingAway => (CloseCode::Away, "Going away"),
            Self::TooLong => (CloseCode::Size, "Message too long"),
            Self::Binary => (CloseCode::Unsupported, "Binary frames are not supported"),
            Self::NotText => (CloseCode::Invalid, "Invalid UTF-8"),
            Self::Violation => (CloseCode::Protocol, "Protocol error"),
        };
        Some(CloseFrame {
            code,
            reason: reason.into(),
        })
    }

    /// Returns what the `$disconnect` event says.
    pub(crate) fn disconnection(&self) -> Disconnection {
        let (code, reason) = match self {
            Self::Closed(None) => (1005, "Client-side close frame status not set".to_owned()),
            Self::Closed(Some((code, reason))) => (*code, reason_of(*code, reason)),
            Self::Lost => (1006, "Connection closed abnormally".to_owned()),
            by_gateway => by_gateway
                .close_frame()
                .map_or((1000, String::new()), |frame| {
                    (frame.code.into(), frame.reason.to_string())
                }),
        };
        Disconnection { code, reason }
    }
}

/// Returns the client's reason, or AWS's text for the code.
fn reason_of(code: u16, reason: &str) -> String {
    match code {
        _ if !reason.is_empty() => reason.to_owned(),
        1000 => "Connection Closed Normally".to_owned(),
        1001 => "Going away".to_owned(),
        _ => String::new(),
    }
}
