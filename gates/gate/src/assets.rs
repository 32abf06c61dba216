//! The style sheet and the script. Their names have a hash of their content, so browsers may keep
//! them without limit.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::LazyLock;

use crate::page::Frame;

static STYLE: &str = include_str!("../static/style.css");
static SCRIPT: &str = include_str!("../static/script.js");

static STYLE_NAME: LazyLock<String> = LazyLock::new(|| hashed("style", STYLE, "css"));
static SCRIPT_NAME: LazyLock<String> = LazyLock::new(|| hashed("script", SCRIPT, "js"));

/// The header `Cache-Control` of an asset.
pub(crate) const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// Returns the content type and the bytes of the asset with this name.
pub(crate) fn asset(name: &str) -> Option<(&'static str, &'static [u8])> {
    if name == STYLE_NAME.as_str() {
        Some(("text/css; charset=utf-8", STYLE.as_bytes()))
    } else if name == SCRIPT_NAME.as_str() {
        Some(("text/javascript; charset=utf-8", SCRIPT.as_bytes()))
    } else {
        None
    }
}

/// All assets with their names.
#[cfg(any(test, feature = "samples"))]
pub(crate) fn all() -> [(&'static str, &'static [u8]); 2] {
    [
        (&STYLE_NAME, STYLE.as_bytes()),
        (&SCRIPT_NAME, SCRIPT.as_bytes()),
    ]
}

impl Frame {
    /// Returns the address of the style sheet. It changes with the content.
    #[must_use]
    pub fn style(&self) -> String {
        style(&self.prefix)
    }

    /// Returns the address of the script. It changes with the content.
    #[must_use]
    pub fn script(&self) -> String {
        script(&self.prefix)
    }
}

/// Returns the address of the style sheet for pages of your own, behind a gate with this prefix.
#[must_use]
pub fn style(prefix: &str) -> String {
    format!("{prefix}/assets/{}", *STYLE_NAME)
}

/// Returns the address of the script for pages of your own, behind a gate with this prefix.
#[must_use]
pub fn script(prefix: &str) -> String {
    format!("{prefix}/assets/{}", *SCRIPT_NAME)
}

fn hashed(stem: &str, content: &str, ending: &str) -> String {
    let digest = Sha256::digest(content);
    let mut name = format!("{stem}-");
    for byte in digest.iter().take(8) {
        // Writing to a string does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.push('.');
    name.push_str(ending);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_found_by_hashed_names() {
        assert_eq!(STYLE_NAME.len(), "style-0123456789abcdef.css".len());
        let (kind, bytes) = asset(&STYLE_NAME).unwrap();
        assert_eq!(kind, "text/css; charset=utf-8");
        assert_eq!(bytes, STYLE.as_bytes());
        assert_eq!(asset(&SCRIPT_NAME).unwrap().1, SCRIPT.as_bytes());
        assert_eq!(asset("style.css"), None);
        assert_eq!(asset(""), None);
    }
}
