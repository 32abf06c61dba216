//! Every input that fuzzing has found worth keeping, run as fuzzing runs it, but for the clock: how to fuzz is in
//! `fuzz/README.md`.
#![cfg(all(feature = "verifier", feature = "serde"))]
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
    let folder = corpus().join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert!(!paths.is_empty(), "{folder:?} is empty");
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
    let folders: BTreeSet<String> = fs::read_dir(corpus())
        .unwrap()
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    let tested = [
        "account",
        "base32",
        "key_uri",
        "ledger_decode",
        "passcode",
        "policy",
        "record_opened",
        "record_sealed",
    ];
    assert_eq!(folders, tested.map(str::to_owned).into());
    assert_eq!(targets::TARGETS.map(|(name, _)| name), tested);
}

#[test]
fn sequences_of_commands_agree_with_the_reference() {
    run("account");
}

#[test]
fn base32_is_refused_or_comes_back() {
    run("base32");
}

#[test]
fn key_uris_are_refused_or_come_back() {
    run("key_uri");
}

#[test]
fn ledgers_are_refused_or_come_back() {
    run("ledger_decode");
}

#[test]
fn passcodes_are_accepted_at_most_once() {
    run("passcode");
}

#[test]
fn policies_are_refused_or_keep_their_promises() {
    run("policy");
}

#[test]
fn any_content_of_a_record_is_refused_or_makes_an_account() {
    run("record_opened");
}

#[test]
fn sealed_records_open_only_as_they_were_written() {
    run("record_sealed");
}
