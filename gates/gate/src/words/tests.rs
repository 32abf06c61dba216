use countersign::{Rejection, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;

use super::Words;
use crate::page::Done;
use crate::problem::Problem;
use crate::render::{DefaultPages, Pages};
use crate::samples;
use crate::words::Language;

const BOTH: [Words; 2] = [Words::ENGLISH, Words::GERMAN];

fn both(text: impl Fn(&Words) -> String) -> [String; 2] {
    BOTH.each_ref().map(text)
}

#[test]
fn numbers_have_their_plural() {
    let tries = |tries_left| {
        both(|words| words.problem(Rejection::WrongConfirmation { tries_left }))
            .map(|text| text.split(". ").nth(1).unwrap().to_owned())
    };
    assert_eq!(
        tries(1),
        ["You have 1 try left", "Sie haben noch 1 Versuch"]
    );
    assert_eq!(
        tries(2),
        ["You have 2 tries left", "Sie haben noch 2 Versuche"]
    );
    let used = |remaining| {
        let done = Done::BackupCodeUsed {
            number: 3,
            remaining,
        };
        both(|words| words.done(&done)).map(|text| text.split(": ").nth(1).unwrap().to_owned())
    };
    assert_eq!(
        used(0),
        ["you have no code left.", "Sie haben keinen Code mehr."]
    );
    assert_eq!(used(1), ["you have 1 code left.", "Sie haben noch 1 Code."]);
    assert_eq!(
        used(2),
        ["you have 2 codes left.", "Sie haben noch 2 Codes."]
    );
    let few = |left| {
        both(|words| {
            (words.codes_few)(left)
                .split(". ")
                .next()
                .unwrap()
                .to_owned()
        })
    };
    assert_eq!(few(1), ["Only 1 left", "Nur noch 1 Code ist übrig"]);
    assert_eq!(few(2), ["Only 2 left", "Nur noch 2 Codes sind übrig"]);
}

#[test]
fn spans_have_their_unit() {
    let span = |seconds| both(|words| (words.span)(Duration::from_secs(seconds)));
    assert_eq!(span(1), ["1 second", "1 Sekunde"]);
    assert_eq!(span(45), ["45 seconds", "45 Sekunden"]);
    assert_eq!(span(121), ["3 minutes", "3 Minuten"]);
    assert_eq!(span(7_201), ["3 hours", "3 Stunden"]);
    assert_eq!(span(400_000), ["5 days", "5 Tagen"]);
}

#[test]
fn every_month_has_its_name() {
    let mut dates = BTreeSet::new();
    for month in 0..12 {
        let at = Timestamp::from_unix(1_800_000_000 + month * 2_629_746);
        for date in both(|words| (words.date_and_time)(at)) {
            assert!(date.contains("2027") && date.contains("UTC"), "{date}");
        }
        dates.extend(both(|words| {
            (words.date)(at).split(' ').nth(1).unwrap().to_owned()
        }));
    }
    // April, August, September and November are the same in both.
    assert_eq!(dates.len(), 20);
    let at = Timestamp::from_unix(1_800_000_000);
    let expected = [
        "15 January 2027, 08:00 UTC",
        "15. Januar 2027, 08:00 Uhr (UTC)",
    ];
    assert_eq!(both(|words| (words.date_and_time)(at)), expected);
}

#[test]
fn no_code_is_closer_than_another() {
    let near = [
        Rejection::Malformed,
        Rejection::WrongCode,
        Rejection::Replayed,
        Rejection::BackupCodeUsed,
    ];
    for words in BOTH {
        let texts = near.map(|rejection| words.problem(rejection));
        assert!(texts.iter().all(|text| text == &texts[0]), "{texts:?}");
    }
    let codes = near.map(|rejection| Problem::from(rejection).code());
    assert_eq!(codes, ["code-not-accepted"; 4]);
}

/// Words that stand on the English pages only.
#[test]
fn german_pages_have_no_english() {
    let english = [
        "the", "you", "your", "and", "with", "code for", "again", "enter", "sign", "phone", "of",
    ];
    for (name, page) in samples::pages(Language::German).unwrap() {
        let html = DefaultPages::new().html(&page).unwrap();
        let text = text_of(&html).to_lowercase();
        for word in english {
            let found = text
                .split(|c: char| !c.is_alphanumeric())
                .any(|one| one == word);
            assert!(!found, "{name}: {word} in {text}");
        }
        let keys = ["Sie", "Ihr", "Ihre", "Code", "nicht", "Die", "Zur", "Zum"];
        assert!(
            keys.iter().any(|key| text_of(&html).contains(key)),
            "{name}"
        );
    }
}

/// The text between the tags.
fn text_of(html: &str) -> String {
    html.split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join(" ")
}
