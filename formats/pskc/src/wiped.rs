//! Text and bytes that are wiped, also when they grow.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// Text that is wiped on drop. Its `Debug` form does not show it.
#[derive(Clone, Default)]
pub(crate) struct WipedText(Zeroizing<String>);

impl WipedText {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends text, and leaves no copy behind if the buffer moves.
    pub(crate) fn push_str(&mut self, text: &str) {
        let length = self.0.len().saturating_add(text.len());
        if length > self.0.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity(length.saturating_mul(2)));
            larger.push_str(&self.0);
            self.0.zeroize();
            self.0 = larger;
        }
        self.0.push_str(text);
    }
}

impl From<&str> for WipedText {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for WipedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WipedText")
    }
}

/// White space of XML.
pub(crate) const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}
