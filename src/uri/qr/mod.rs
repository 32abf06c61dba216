//! QR codes (ISO/IEC 18004) of key URIs, as SVG, PNG and terminal text.
//!
//! Use this layer to show a key URI for an app to scan. Everything is drawn in memory and wiped on
//! drop. [`KeyUri::qr`](crate::uri::KeyUri::qr) makes the symbol.
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
//! The feature `qr`; for PNG images `png`.

#[cfg(feature = "png")]
mod png;
mod render;
mod symbol;

#[cfg(feature = "png")]
pub use png::SecretBytes;

use super::KeyUri;
use alloc::vec::Vec;
use core::fmt;
use symbol::Symbol;
use zeroize::Zeroizing;

/// Light modules around a symbol (ISO/IEC 18004, section 6.3.8): scanners need them.
const QUIET_ZONE: usize = 4;

/// A QR code that holds a secret, ready to be shown as SVG, PNG or terminal text.
///
/// All is made in memory: show it in the page, and never by a link to somebody's QR service, which would
/// learn the secret. A picture is no use to everybody, so show the key beside it, as text to type
/// ([`Secret::to_base32_grouped`](crate::otp::Secret::to_base32_grouped)): that is also the text alternative that
/// WCAG 1.1.1 asks for.
///
/// In a page, use [`svg`](Self::svg). In a mail, attach the file of [`png`](Self::png) as a part with a
/// `Content-ID`, and let the `img` element name it by a `cid:` address (RFC 2392): many mail readers show neither
/// SVG nor `data:` addresses. In a terminal, use [`terminal_that_fits`](Self::terminal_that_fits).
///
/// All that is made here is wiped on drop. The encoder of the symbol, another crate, frees copies of the codewords,
/// from which the text can be read, as they are (`docs/secrets-in-memory.md`).
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
    /// Row by row; true is dark.
    modules: Zeroizing<Vec<bool>>,
    width: usize,
    module_size: u8,
}

/// How much of a symbol may be damaged or covered (ISO/IEC 18004, section 6.5.1). A higher level makes the
/// symbol larger, and so harder to scan from a screen, where nothing is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QrLevel {
    /// Level L: 7 % of the codewords.
    Low,
    /// Level M: 15 %.
    #[default]
    Medium,
    /// Level Q: 25 %.
    Quartile,
    /// Level H: 30 %.
    High,
}

impl KeyUri {
    /// The URI as a QR code at level M.
    ///
    /// # Errors
    /// [`QrError::TooLong`] above 2,331 bytes.
    pub fn qr(&self) -> Result<Qr, QrError> {
        self.qr_with(QrLevel::default())
    }

    /// The URI as a QR code at another level.
    ///
    /// # Errors
    /// [`QrError::TooLong`] above 2,953 (L), 2,331 (M), 1,663 (Q) or 1,273 bytes (H).
    pub fn qr_with(&self, level: QrLevel) -> Result<Qr, QrError> {
        Qr::encode(self.to_secret_text().expose(), level)
    }

    /// The URI as a QR code for a terminal: at level L, which takes the fewest rows. A URI of up to 106 bytes fits a
    /// terminal of 80 columns and 24 rows with [`terminal`](Qr::terminal), and leaves one row for a prompt; at level M
    /// it would lose its border there, and no scanner would read it.
    ///
    /// # Errors
    /// [`QrError::TooLong`] above 2,953 bytes.
    pub fn qr_for_terminal(&self) -> Result<Qr, QrError> {
        self.qr_with(QrLevel::Low)
    }
}

impl Qr {
    /// The size of a module unless it is set: 4 pixels, which makes a picture of about 200 pixels.
    pub const DEFAULT_MODULE_SIZE: u8 = 4;

    /// The largest size of a module: 64 pixels.
    pub const MAX_MODULE_SIZE: u8 = 64;

    /// Any text as a QR code, exactly as it stands. For a [`KeyUri`] there is [`KeyUri::qr`].
    ///
    /// # Errors
    /// [`QrError::TooLong`] if no symbol of that level holds the text.
    pub fn encode(text: &str, level: QrLevel) -> Result<Self, QrError> {
        let Symbol { modules, width } = Symbol::encode(text, level)?;
        Ok(Self {
            modules,
            width,
            module_size: Self::DEFAULT_MODULE_SIZE,
        })
    }

    /// Sets how many pixels wide and high a module is, in PNG, and in SVG as long as the page does not scale
    /// it. Terminal text has its own size.
    ///
    /// # Errors
    /// [`QrError::ModuleSize`] unless `pixels` is from 1 to [`MAX_MODULE_SIZE`](Self::MAX_MODULE_SIZE).
    pub fn with_module_size(self, pixels: u8) -> Result<Self, QrError> {
        if pixels == 0 || pixels > Self::MAX_MODULE_SIZE {
            return Err(QrError::ModuleSize);
        }
        Ok(Self {
            module_size: pixels,
            ..self
        })
    }

    /// The number of modules on a side, without the quiet zone.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Whether a module is dark, for a drawing of your own: columns and rows are counted from 0 at the top
    /// left corner, without the quiet zone; leave at least four light modules on each side. Outside of the
    /// symbol all is light.
    #[must_use]
    pub fn is_dark(&self, column: usize, row: usize) -> bool {
        column < self.width
            && self
                .rows()
                .nth(row)
                .and_then(|modules| modules.get(column))
                .is_some_and(|dark| *dark)
    }

    fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.modules.chunks_exact(self.width.max(1))
    }

    /// The number of modules on a side, with the quiet zone.
    const fn full_width(&self) -> usize {
        self.width.saturating_add(2 * QUIET_ZONE)
    }

    /// The number of pixels on a side, with the quiet zone.
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

/// A QR code that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QrError {
    /// No symbol holds so much at that level.
    #[error("a text of {bytes} bytes does not fit a QR code of this level")]
    TooLong {
        /// The bytes that it has.
        bytes: usize,
    },
    /// The size of a module is not from 1 to 64 pixels.
    #[error("the size of a module is not from 1 to 64 pixels")]
    ModuleSize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn debug_shows_the_size_and_not_the_modules() {
        let qr = Qr::encode("otpauth://totp/alice?secret=GEZDGNBV", QrLevel::Low).unwrap();
        assert_eq!(format!("{qr:?}"), "Qr { width: 29, module_size: 4, .. }");
    }

    #[test]
    fn outside_of_the_symbol_all_is_light() {
        let qr = Qr::encode("a", QrLevel::High).unwrap();
        assert_eq!(qr.width(), 21);
        assert!(qr.is_dark(0, 0), "a corner of a finder pattern");
        assert!(qr.is_dark(20, 0), "a corner of a finder pattern");
        for (column, row) in [(21, 0), (0, 21), (usize::MAX, 0), (0, usize::MAX)] {
            assert!(!qr.is_dark(column, row));
        }
    }
}
