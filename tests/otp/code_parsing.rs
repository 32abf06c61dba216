//! Invariant 4: input is parsed once, and every spelling of a code is the same code.

use super::*;
use proptest::prelude::*;

/// The passcode of step 0 is 755224.
fn passes(text: &str) -> bool {
    accepted(&totp(), &typed(text), 0, Window::EXACT).is_some()
}

#[test]
fn spaces_and_hyphens_are_ignored() {
    for text in [
        "755224",
        "755 224",
        " 755 224 ",
        "75 52 24",
        "755-224",
        "7-5-5-2-2-4",
        "\t755224\r\n",
        "755\u{a0}224",
        "755\u{3000}224",
        "755\u{2009}224",
        "755\u{202f}224",
    ] {
        assert!(passes(text), "{text:?}");
    }
    for hyphen in
        "-\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}\u{fe63}\u{ff0d}".chars()
    {
        assert!(passes(&format!("755{hyphen}224")), "{hyphen:?}");
    }
}

#[test]
fn invisible_characters_are_ignored() {
    let invisible = ('\u{200b}'..='\u{200f}')
        .chain('\u{202a}'..='\u{202e}')
        .chain(['\u{2060}'])
        .chain('\u{2066}'..='\u{2069}')
        .chain(['\u{feff}']);
    for character in invisible {
        assert!(
            passes(&format!("{character}755{character}224{character}")),
            "{character:?}"
        );
    }
}

#[test]
fn digits_of_every_script_are_accepted() {
    for (script, zero) in [
        ("full width", '０'),
        ("Arabic-Indic", '٠'),
        ("Persian", '۰'),
        ("Devanagari", '०'),
        ("Bengali", '০'),
        ("Thai", '๐'),
        ("Khmer", '០'),
        ("bold mathematical", '\u{1d7ce}'),
    ] {
        let text: String = "755224"
            .bytes()
            .map(|digit| char::from_u32(u32::from(zero) + u32::from(digit - b'0')).unwrap())
            .collect();
        assert!(passes(&text), "{script}: {text}");
    }
    assert!(passes("７5٥२2๔"), "mixed scripts");
}

#[test]
fn lookalikes_of_digits_and_letters_are_refused() {
    for text in [
        "●●●●●●",
        "75522²",
        "①55224",
        "Ⅶ55224",
        "七五五二二四",
        "755.224",
        "755,224",
        "755_224",
        "+755224",
        "755224;",
        "é",
        "ſ",
        "\u{212a}",
        "\u{0}",
        "75522\u{7}",
        "755\u{301}224",
        "😀",
    ] {
        assert_eq!(
            Code::parse(text).unwrap_err(),
            CodeError::Character,
            "{text:?}"
        );
    }
}

#[test]
fn letters_are_parsed_and_match_no_passcode() {
    for text in ["75522A", "ABCDEF", "abcdef", "O55224"] {
        assert_eq!(typed(text).symbol_count(), 6);
        assert!(!passes(text), "{text}");
    }
}

#[test]
fn empty_input_is_refused() {
    for text in ["", " ", "---", "\u{200b}\n"] {
        assert_eq!(Code::parse(text).unwrap_err(), CodeError::Empty, "{text:?}");
    }
}

#[test]
fn the_length_of_a_code_is_bounded() {
    assert!(passes(&format!("755224{}", " ".repeat(250))));
    let long = format!("755224{}", " ".repeat(251));
    assert_eq!(Code::parse(&long).unwrap_err(), CodeError::TooLong);
    assert_eq!(typed(&"7".repeat(64)).symbol_count(), 64);
    assert_eq!(
        Code::parse(&"7".repeat(65)).unwrap_err(),
        CodeError::TooLong
    );
    let huge = "7".repeat(1 << 20);
    assert_eq!(Code::parse(&huge).unwrap_err(), CodeError::TooLong);
}

#[test]
fn a_used_passcode_is_refused_in_every_spelling() {
    let last = totp()
        .verify(&typed("755224"), at(0), Window::default(), None)
        .map(|matched| matched.step());
    assert_eq!(last, Some(TimeStep::new(0)));
    for text in ["755 224", "７５５２２４", "755224\u{200b}", "-755224"] {
        assert_eq!(
            totp().verify(&typed(text), at(0), Window::default(), last),
            None
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Also invariant 8: no input causes a panic.
    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,300}") {
        if let Ok(code) = Code::parse(&text) {
            prop_assert!((1..=64).contains(&code.symbol_count()));
            prop_assert!(code.symbol_count() <= text.chars().count());
        }
    }

    #[test]
    fn spaces_anywhere_change_nothing(insertions in prop::collection::vec((0..=6_usize, "[ \u{200b}\\-\u{a0}]"), 0..20)) {
        let mut text = String::from("755224");
        for (position, ignored) in insertions {
            let at = text.char_indices().map(|(at, _)| at).nth(position).unwrap_or(text.len());
            text.insert_str(at, &ignored);
        }
        prop_assert!(passes(&text));
    }
}
