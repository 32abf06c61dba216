//! What the published packages offer is what is written in this folder's text files, and nothing in it is another crate's but
//! what is meant to be.
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use countersign_public_api::Api;

fn items(package: &str) -> Option<String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("public-api");
    match Api::of(package, &target).expect("rustdoc describes it") {
        Api::Items(items) => Some(items),
        Api::UnknownFormat(reason) => {
            assert!(
                env::var_os("COUNTERSIGN_SKIP_NOTHING").is_none(),
                "{reason}"
            );
            eprintln!("skipped: {reason}");
            None
        }
    }
}

fn listed(package: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(package)
        .with_extension("txt")
}

/// With `UPDATE_PUBLIC_API=1` it writes the list anew, for a change that is meant.
fn offers_what_is_listed(package: &str) {
    let Some(items) = items(package) else { return };
    let file = listed(package);
    if env::var_os("UPDATE_PUBLIC_API").is_some() {
        fs::write(&file, &items).expect("the list is written");
    }
    let list = fs::read_to_string(&file).expect("the list");
    let (offered, listed): (BTreeSet<_>, BTreeSet<_>) =
        (items.lines().collect(), list.lines().collect());
    let new: Vec<_> = offered.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&offered).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "the public API of {package} is another.\nnew: {new:#?}\ngone: {gone:#?}\n\
         If that is meant, say so in CHANGELOG.md, and write the list with UPDATE_PUBLIC_API=1."
    );
}

/// The crates whose items are named in a list.
fn crates(package: &str) -> BTreeSet<String> {
    let list = fs::read_to_string(listed(package)).expect("the list");
    let paths = list.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let roots = paths.filter_map(|path| Some(path.split_once("::")?.0));
    // Type parameters begin with a capital letter.
    let crates = roots.filter(|root| root.starts_with(|c: char| c.is_lowercase()));
    crates.map(ToOwned::to_owned).collect()
}

fn names_no_crates_but(package: &str, expected: &[&str]) {
    let language = ["alloc", "core", "std"];
    let expected: BTreeSet<_> = expected
        .iter()
        .chain(&language)
        .map(|name| (*name).to_owned())
        .collect();
    let crates = crates(package);
    let strangers: Vec<_> = crates.difference(&expected).collect();
    assert!(
        strangers.is_empty(),
        "{package} shows types of {strangers:?}"
    );
}

#[test]
fn countersign_offers_what_is_listed() {
    offers_what_is_listed("countersign");
}

#[test]
fn countersign_sqlx_offers_what_is_listed() {
    offers_what_is_listed("countersign-sqlx");
}

#[test]
fn countersign_redis_offers_what_is_listed() {
    offers_what_is_listed("countersign-redis");
}

#[test]
fn types_of_other_crates_are_those_that_are_meant() {
    names_no_crates_but(
        "countersign",
        &["countersign", "rand_core", "serde_core", "uuid"],
    );
    names_no_crates_but(
        "countersign-sqlx",
        &[
            "countersign",
            "countersign_sqlx",
            "sqlx_core",
            "sqlx_mysql",
            "sqlx_postgres",
            "sqlx_sqlite",
        ],
    );
    names_no_crates_but(
        "countersign-redis",
        &["countersign", "countersign_redis", "redis"],
    );
}
