//! Records that an earlier version wrote, and records that an earlier version reads.
//!
//! `c23856e.txt` has records that the build of this commit wrote, and what it found in them. So the
//! tests read real records of that build without building it. `tests/compatibility/run` builds it
//! and sets `COUNTERSIGN_EARLIER` to the program of `earlier.rs`. Then the last three tests run
//! both versions.
#![cfg(feature = "verifier")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod api;
mod earlier_build;
mod fields;
mod record;
mod stories;
mod world;

use earlier_build::EarlierBuild;
use record::Record;
use stories::{ENDED, FIRST_FORM, SOON_FIRST_FORM, Story};

/// Records that the build of commit c23856e wrote, and what it found in them. No record has fields.
const OF_C23856E: &str = include_str!("c23856e.txt");

/// Records that the build of commit 8bad192 wrote, with the fields 2 to 8, and what it found.
const OF_8BAD192: &str = include_str!("8bad192.txt");

fn line_of<'a>(lines: &'a str, name: &str) -> &'a str {
    let mut lines = lines.lines();
    let found = lines.find(|line| line.split('\t').next() == Some(name));
    found.unwrap_or_else(|| panic!("no record {name}"))
}

/// Decrypts each record of these lines, tries its codes, and compares with what the line says.
fn assert_read_alike(lines: &str) {
    for line in lines.lines() {
        assert_eq!(Record::parse(line).opened(), line);
    }
}

/// The records of this version that have fields.
fn with_fields() -> String {
    let stories = SOON_FIRST_FORM
        .iter()
        .chain(&fields::STORIES)
        .chain(&fields::PENDING_CODES);
    stories.map(|story| story.tell().opened() + "\n").collect()
}

#[test]
fn records_of_the_earlier_build_are_read() {
    assert_eq!(
        OF_C23856E.lines().count(),
        FIRST_FORM.len() + ENDED.len() + SOON_FIRST_FORM.len()
    );
    assert_read_alike(OF_C23856E);
}

#[test]
fn records_with_fields_are_read() {
    assert_eq!(
        OF_8BAD192.lines().count(),
        SOON_FIRST_FORM.len() + fields::STORIES.len()
    );
    assert_read_alike(OF_8BAD192);
}

#[test]
fn records_keep_both_sets_of_backup_codes() {
    let opened = fields::PENDING_CODES.map(|story| story.tell().opened());
    // The first two codes of the last set, the third codes of the earlier sets, and a wrong code.
    let [new, next] = ["accepted as backup code 1", "accepted as backup code 2"];
    let old = "accepted as backup code 3";
    for (opened, results) in opened.iter().zip([
        vec![new, next, old, "WrongCode"],
        vec!["BackupCodeUsed", next, "WrongCode", "WrongCode"],
        vec![new, next, "WrongCode", old, "WrongCode"],
    ]) {
        let of_codes = Record::results_of(opened).split_off(3);
        assert_eq!(of_codes.len(), results.len(), "{opened}");
        let mut pairs = of_codes.iter().zip(&results);
        assert!(pairs.all(|(is, must)| is.starts_with(must)), "{opened}");
    }
}

#[test]
fn the_first_form_is_the_same_byte_for_byte() {
    for story in FIRST_FORM.iter().chain(&ENDED) {
        let record = story.tell();
        assert_eq!(record.version(), 1, "{}", story.name);
        assert_eq!(record.opened(), line_of(OF_C23856E, story.name));
    }
}

#[test]
fn the_first_form_returns_when_fields_expire() {
    for story in &SOON_FIRST_FORM {
        let record = story.tell();
        assert_eq!(record.version(), 2, "{}", story.name);
        let later = story.tell_until_fields_expire();
        assert_eq!(later.version(), 1, "{}", story.name);
    }
}

#[test]
fn the_earlier_build_wrote_these_records() {
    let Some(earlier) = EarlierBuild::find() else {
        return;
    };
    assert_eq!(earlier.write(), OF_C23856E);
}

#[test]
fn the_earlier_build_reads_the_first_form() {
    let Some(earlier) = EarlierBuild::find() else {
        return;
    };
    let first_form = FIRST_FORM.iter().chain(&ENDED).map(Story::tell);
    let returned = SOON_FIRST_FORM.iter().map(Story::tell_until_fields_expire);
    let lines: String = first_form
        .chain(returned)
        .map(|record| record.opened() + "\n")
        .collect();
    assert_eq!(earlier.open(&lines), lines);
}

#[test]
fn the_earlier_build_refuses_fields() {
    let Some(earlier) = EarlierBuild::find() else {
        return;
    };
    let lines = with_fields();
    let opened = earlier.open(&lines);
    assert_eq!(opened.lines().count(), lines.lines().count());
    for line in opened.lines() {
        let results = Record::results_of(line);
        assert!(results.len() >= 2, "{line}");
        for result in results {
            assert_eq!(result, "Record(UnknownVersion(2))", "{line}");
        }
    }
}
