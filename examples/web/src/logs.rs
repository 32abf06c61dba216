use tracing_subscriber::EnvFilter;

/// What is logged: this, in the form of `RUST_LOG`, but never what has secrets in it.
///
/// At its finest level tower-http's check of forms logs whole addresses, and those of our mails have tokens.
#[must_use]
pub fn log_filter(asked: &str) -> EnvFilter {
    EnvFilter::new(format!("{asked},tower_http::csrf=info"))
}
