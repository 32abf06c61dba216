//! The style sheet, the script and the icon. The addresses of the first two change with their
//! content, so browsers may cache them without limit.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;

use crate::token;

static STYLE: &str = include_str!("../static/style.css");
static SCRIPT: &str = include_str!("../static/app.js");
static ICON: &str = include_str!("../static/favicon.svg");

pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let file = |kind: &'static str, keep: &'static str, content: &'static str| {
        get(async move || ([(CONTENT_TYPE, kind), (CACHE_CONTROL, keep)], content))
    };
    Router::new()
        .route(
            "/style.css",
            file("text/css; charset=utf-8", FOREVER, STYLE),
        )
        .route(
            "/app.js",
            file("text/javascript; charset=utf-8", FOREVER, SCRIPT),
        )
        .route("/favicon.ico", file("image/svg+xml", A_DAY, ICON))
}

pub(crate) fn style_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| versioned("/style.css", STYLE));
    &PATH
}

pub(crate) fn script_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| versioned("/app.js", SCRIPT));
    &PATH
}

fn versioned(path: &str, content: &str) -> String {
    let hash = token::hash(content.as_bytes());
    format!("{path}?v={}", hash.get(..12).unwrap_or(&hash))
}

const FOREVER: &str = "public, max-age=31536000, immutable";
const A_DAY: &str = "public, max-age=86400";
