use tracing_subscriber::EnvFilter;

/// The log filter for a text in the form of `RUST_LOG`, which never logs secrets.
///
/// At the level `trace`, the form check of tower-http logs whole addresses, and the links in our
/// mails contain tokens.
#[must_use]
pub fn log_filter(asked: &str) -> EnvFilter {
    EnvFilter::new(format!("{asked},tower_http::csrf=info"))
}
