use crate::words::Words;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// Another one, by its tag (BCP 47), with a table of words that you wrote. Without a table, the
    /// pages are in English.
    Other(&'static str),
}

impl Language {
    /// Returns the tag of the language for the attribute `lang` (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Other(tag) => tag,
        }
    }

    /// Returns our words in this language. For another language, these are the English ones.
    #[must_use]
    pub const fn words(self) -> &'static Words {
        match self {
            Self::English | Self::Other(_) => &Words::ENGLISH,
            Self::German => &Words::GERMAN,
        }
    }

    /// Returns the language that a browser prefers by its header `Accept-Language`. It is the first
    /// of `offered` if the browser wants none of them. Of a long header, the first 64 languages
    /// count.
    #[must_use]
    pub fn preferred(accept_language: Option<&str>, offered: &[Self]) -> Self {
        let mut best = (0, offered.first().copied().unwrap_or_default());
        let ranges = accept_language.unwrap_or_default().split(',');
        for range in ranges.take(MOST_RANGES) {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let quality = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1000, thousandths);
            let wanted = offered.iter().find(|language| language.is_named(tag));
            if let Some(language) = wanted
                && quality > best.0
            {
                best = (quality, *language);
            }
        }
        best.1
    }

    /// Whether a browser means this language: `de` and `de-AT` mean `de`.
    fn is_named(self, tag: &str) -> bool {
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_lowercase();
        tag.eq_ignore_ascii_case(self.tag()) || primary(tag) == primary(self.tag())
    }
}

/// A browser sends a few. A header can hold many more, and each costs time.
const MOST_RANGES: usize = 64;

/// The weight of a language in thousandths. Anything malformed counts as 0.
fn thousandths(quality: &str) -> u32 {
    let (whole, decimals) = quality.split_once('.').unwrap_or((quality, ""));
    let decimals: String = decimals.chars().chain("000".chars()).take(3).collect();
    match (whole, decimals.parse::<u32>()) {
        ("1", _) => 1000,
        ("0", Ok(decimals)) => decimals,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_chooses_the_language() {
        const OFFERED: [Language; 3] = [
            Language::English,
            Language::German,
            Language::Other("pt-BR"),
        ];
        let cases = [
            (None, "en"),
            (Some(""), "en"),
            (Some("*"), "en"),
            (Some("fr, ja;q=0.9"), "en"),
            (Some("de"), "de"),
            (Some("DE-at,en;q=0.9"), "de"),
            (Some("fr;q=1.0, de;q=0.5, en;q=0.4"), "de"),
            (Some("en;q=0.123, de;q=0.124"), "de"),
            (Some("de;q=0, en;q=0.1"), "en"),
            (Some("de;q=9, en;q=0.1"), "en"),
            (Some("pt-PT"), "pt-BR"),
            (Some("english"), "en"),
            (Some("de;q=0"), "en"),
            (Some("de;q=0.5, en;q=0.5"), "de"),
        ];
        for (header, tag) in cases {
            let language = Language::preferred(header, &OFFERED);
            assert_eq!(language.tag(), tag, "{header:?}");
        }
        assert_eq!(Language::preferred(Some("de"), &[]), Language::English);
        let long = |count| "fr,".repeat(count) + "de";
        assert_eq!(Language::preferred(Some(&long(63)), &OFFERED).tag(), "de");
        assert_eq!(Language::preferred(Some(&long(64)), &OFFERED).tag(), "en");
    }
}
