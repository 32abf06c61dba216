//! The style sheet and the icon. The address of the style sheet changes with its content, so browsers
//! may cache it without limit.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::{MethodRouter, get};

use crate::app::App;
use crate::token;

static STYLE: &str = include_str!("../static/style.css");
static ICON: &str = include_str!("../static/favicon.svg");

pub(crate) fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    let file = |kind: &'static str, keep: &'static str, content: &'static str| {
        get(async move || ([(CONTENT_TYPE, kind), (CACHE_CONTROL, keep)], content))
    };
    [
        (
            "/style.css",
            file("text/css; charset=utf-8", FOREVER, STYLE),
        ),
        ("/favicon.ico", file("image/svg+xml", A_DAY, ICON)),
    ]
}

pub(crate) fn style_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| versioned("/style.css", STYLE));
    &PATH
}

fn versioned(path: &str, content: &str) -> String {
    let hash = token::hash(content.as_bytes());
    format!("{path}?v={}", hash.get(..12).unwrap_or(&hash))
}

const FOREVER: &str = "public, max-age=31536000, immutable";
const A_DAY: &str = "public, max-age=86400";
