//! The style sheet and the icon.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

use crate::token;

static STYLE: &str = include_str!("../static/style.css");

/// The address of the style sheet. It changes with the content, so browsers may keep the style
/// sheet without limit.
pub(crate) fn style_path() -> &'static str {
    static PATH: LazyLock<String> =
        LazyLock::new(|| format!("/style.css?v={:.12}", token::hash(STYLE)));
    &PATH
}

pub(crate) async fn style() -> impl IntoResponse {
    let kept = (CACHE_CONTROL, "public, max-age=31536000, immutable");
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), kept], STYLE)
}

pub(crate) async fn icon() -> impl IntoResponse {
    let kept = (CACHE_CONTROL, "public, max-age=86400");
    let icon = include_str!("../static/favicon.svg");
    ([(CONTENT_TYPE, "image/svg+xml"), kept], icon)
}
