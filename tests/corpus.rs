//! Runs the fuzz targets on every input of the corpus, without a time limit. `fuzz/README.md`
//! describes fuzzing.
#![cfg(all(feature = "migration", feature = "verifier", feature = "serde"))]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn run(target: &str) {
    let directory = corpus().join(target);
    let files = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert!(!paths.is_empty(), "{directory:?} is empty");
    paths.sort();
    for path in paths {
        let input = fs::read(&path).unwrap();
        if std::panic::catch_unwind(|| targets::run(target, &input)).is_err() {
            panic!("the input that failed is {path:?}");
        }
    }
}

#[test]
fn every_target_has_a_corpus_and_a_test() {
    let directories: BTreeSet<String> = fs::read_dir(corpus())
        .unwrap()
        .map(|directory| directory.unwrap().file_name().into_string().unwrap())
        .collect();
    let tested = [
        "account",
        "backup_code_set_decode",
        "base32",
        "key_uri",
        "migration",
        "passcode",
        "policy",
        "record_opened",
        "record_sealed",
    ];
    assert_eq!(directories, tested.map(str::to_owned).into());
    assert_eq!(targets::TARGETS.map(|(name, _)| name), tested);
}

#[test]
fn sequences_of_commands_agree_with_the_reference() {
    run("account");
}

#[test]
fn base32_text_round_trips_or_is_refused() {
    run("base32");
}

#[test]
fn key_uris_round_trip_or_are_refused() {
    run("key_uri");
}

#[test]
fn exports_round_trip_or_are_refused() {
    run("migration");
}

#[test]
fn backup_code_sets_round_trip_or_are_refused() {
    run("backup_code_set_decode");
}

#[test]
fn passcodes_are_accepted_at_most_once() {
    run("passcode");
}

#[test]
fn policies_are_refused_or_enforced() {
    run("policy");
}

#[test]
fn any_record_content_is_refused_or_valid() {
    run("record_opened");
}

#[test]
fn encrypted_records_open_only_as_written() {
    run("record_sealed");
}
