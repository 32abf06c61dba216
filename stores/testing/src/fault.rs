use std::time::Duration;

/// What a [`Proxy`](crate::Proxy) does with a request and its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request never reaches the server, and the proxy closes the connection.
    DropRequest,
    /// The server gets the request and answers it. The proxy drops the answer and closes the
    /// connection. The write is applied, and the client does not know.
    DropReply,
    /// The server gets this request and all later ones on the connection, but no answer comes back.
    /// The connection stays open.
    BlackHole,
    /// The server gets half of the request, and the proxy resets both connections.
    Reset,
    /// The answer is delayed by this time.
    Stall(Duration),
}
