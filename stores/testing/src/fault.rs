use std::time::Duration;

/// What a [`Proxy`](crate::Proxy) does with a request, and with the connection that it came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request never reaches the server, and the connection is closed.
    DropRequest,
    /// The server gets the request and answers it; the answer is thrown away, and the connection is closed. What was
    /// written is written, and the client does not know.
    DropReply,
    /// The server gets this request and all that follow on this connection; no answer ever comes back. The connection stays
    /// open.
    BlackHole,
    /// The server gets half of the request, and the connection is reset on both sides.
    Reset,
    /// The answer comes late by so much.
    Stall(Duration),
}
