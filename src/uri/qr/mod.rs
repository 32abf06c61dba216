//! QR codes (ISO/IEC 18004) of key URIs, as SVG, PNG and terminal text.
//!
//! Use this layer to show a key URI for an app to scan. [`KeyUri::qr`](crate::uri::KeyUri::qr)
//! makes the symbol. The images and texts are made in memory and wiped on drop.
//!
//! ```
//! use countersign::otp::Secret;
//! use countersign::uri::KeyUri;
//!
//! let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
//! let uri = KeyUri::totp(&secret, "alice@example.com").issuer("Example").build()?;
//!
//! let svg = uri.qr()?.svg();
//! assert!(svg.expose().starts_with("<svg "));
//!
//! let lines = uri.qr_for_terminal()?.terminal();
//! assert!(lines.expose().lines().count() <= 23);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Needs
//!
//! The feature `qr`. PNG images need the feature `png`.

#[cfg(feature = "png")]
mod png;
mod render;
mod symbol;

#[cfg(feature = "png")]
pub use png::SecretBytes;
pub use symbol::{QrError, QrLevel};

use super::KeyUri;
use alloc::vec::Vec;
use core::fmt;
use symbol::Symbol;
use zeroize::Zeroizing;

/// A QR code that holds a secret, to show as SVG, PNG or terminal text.
///
/// - In a page, use [`svg`](Self::svg). Never use a link to an external QR service, which would
///   learn the secret.
/// - In a mail, attach the file of [`png`](Self::png) as a part with a `Content-ID`. Refer to it
///   from the `img` element by a `cid:` address (RFC 2392). Many mail readers show neither SVG nor
///   `data:` addresses.
/// - In a terminal, use [`terminal_that_fits`](Self::terminal_that_fits).
///
/// Not all users can use an image. So also show the setup key as text to type
/// ([`Secret::to_base32_grouped`](crate::otp::Secret::to_base32_grouped)). That text is also the
/// text alternative that WCAG 1.1.1 requires.
///
/// This crate wipes everything that it makes here on drop. The `qrcode` crate, which encodes the
/// symbol, frees copies of the codewords without wiping them. The text can be read from these
/// copies (`docs/secrets-in-memory.md`).
///
/// ```
/// use countersign::otp::Secret;
/// use countersign::uri::KeyUri;
/// use countersign::uri::qr::QrLevel;
///
/// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
/// let uri = KeyUri::totp(&secret, "alice@example.com").issuer("Example").build()?;
/// let page = uri.qr()?.svg();
/// assert!(page.expose().starts_with("<svg "));
///
/// let large = uri.qr_with(QrLevel::Low)?.with_module_size(8)?;
/// assert!(large.svg().expose().contains("width=\"360\""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Qr {
    /// The modules row by row; true is dark.
    modules: Zeroizing<Vec<bool>>,
    width: usize,
    module_size: u8,
}

impl KeyUri {
    /// Makes a QR code of the URI at level M.
    ///
    /// # Errors
    /// [`QrError::TooLong`] if the URI has more than 2,331 bytes.
    pub fn qr(&self) -> Result<Qr, QrError> {
        self.qr_with(QrLevel::default())
    }

    /// Makes a QR code of the URI at another level.
    ///
    /// # Errors
    /// [`QrError::TooLong`] if the URI is too long for the level. The longest URI has 2,953 (L),
    /// 2,331 (M), 1,663 (Q) or 1,273 (H) bytes.
    pub fn qr_with(&self, level: QrLevel) -> Result<Qr, QrError> {
        Qr::encode(self.to_secret_text().expose(), level)
    }

    /// Makes a QR code of the URI for a terminal, at level L, which takes the fewest rows.
    ///
    /// With [`terminal`](Qr::terminal), a URI of up to 106 bytes fits a terminal of 80 columns and
    /// 24 rows, and leaves one row for a prompt. At level M the code would lose its border there,
    /// and no scanner would read it.
    ///
    /// # Errors
    /// [`QrError::TooLong`] if the URI has more than 2,953 bytes.
    pub fn qr_for_terminal(&self) -> Result<Qr, QrError> {
        self.qr_with(QrLevel::Low)
    }
}

impl Qr {
    /// The default size of a module: 4 pixels, which makes an image of about 200 pixels.
    pub const DEFAULT_MODULE_SIZE: u8 = 4;

    /// The largest size of a module: 64 pixels.
    pub const MAX_MODULE_SIZE: u8 = 64;

    /// Makes a QR code of any text. For a [`KeyUri`], use [`KeyUri::qr`].
    ///
    /// # Errors
    /// [`QrError::TooLong`] if no symbol of this level holds the text.
    pub fn encode(text: &str, level: QrLevel) -> Result<Self, QrError> {
        let Symbol { modules, width } = Symbol::encode(text, level)?;
        Ok(Self {
            modules,
            width,
            module_size: Self::DEFAULT_MODULE_SIZE,
        })
    }

    /// Sets the width and height of a module in pixels.
    ///
    /// The size applies to PNG, and to SVG that the page does not scale. Terminal text has its own
    /// size.
    ///
    /// # Errors
    /// [`QrError::ModuleSize`] unless `pixels` is from 1 to
    /// [`MAX_MODULE_SIZE`](Self::MAX_MODULE_SIZE).
    pub fn with_module_size(self, pixels: u8) -> Result<Self, QrError> {
        if pixels == 0 || pixels > Self::MAX_MODULE_SIZE {
            return Err(QrError::ModuleSize);
        }
        Ok(Self {
            module_size: pixels,
            ..self
        })
    }

    /// Returns the number of modules on a side, without the quiet zone.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Whether a module is dark, for your own drawing.
    ///
    /// Columns and rows count from 0 at the top left corner, without the quiet zone. Draw at least
    /// four light modules on each side. All modules outside the symbol are light.
    #[must_use]
    pub fn is_dark(&self, column: usize, row: usize) -> bool {
        column < self.width
            && self
                .rows()
                .nth(row)
                .and_then(|modules| modules.get(column))
                .is_some_and(|dark| *dark)
    }

    /// Returns the rows of modules, without the quiet zone.
    fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.modules.chunks_exact(self.width.max(1))
    }

    /// Returns the number of modules on a side, with the quiet zone.
    const fn full_width(&self) -> usize {
        self.width.saturating_add(2 * QUIET_ZONE)
    }

    /// Returns the number of pixels on a side, with the quiet zone.
    fn pixels(&self) -> usize {
        self.full_width()
            .saturating_mul(usize::from(self.module_size))
    }
}

impl fmt::Debug for Qr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Qr")
            .field("width", &self.width)
            .field("module_size", &self.module_size)
            .finish_non_exhaustive()
    }
}

/// The width of the light border that scanners need (ISO/IEC 18004, section 6.3.8).
const QUIET_ZONE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn debug_shows_the_size_and_no_modules() {
        let qr = Qr::encode("otpauth://totp/alice?secret=GEZDGNBV", QrLevel::Low).unwrap();
        assert_eq!(format!("{qr:?}"), "Qr { width: 29, module_size: 4, .. }");
    }

    #[test]
    fn modules_outside_the_symbol_are_light() {
        let qr = Qr::encode("a", QrLevel::High).unwrap();
        assert_eq!(qr.width(), 21);
        assert!(qr.is_dark(0, 0), "a corner of a finder pattern");
        assert!(qr.is_dark(20, 0), "a corner of a finder pattern");
        for (column, row) in [(21, 0), (0, 21), (usize::MAX, 0), (0, usize::MAX)] {
            assert!(!qr.is_dark(column, row));
        }
    }
}
