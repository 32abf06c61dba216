//! The public API of the published packages is as listed in the text files of this package. Only
//! allowed crates appear in it.
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{env, fs};

use countersign_public_api::{Api, describe};

/// The descriptions of all packages, written once.
static DESCRIPTIONS: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    describe(target.expect("the target directory")).expect("rustdoc succeeds")
});

fn items(package: &str) -> Option<String> {
    match Api::of(package, &DESCRIPTIONS).expect("a description") {
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

/// Compares the public API with the list. With `UPDATE_PUBLIC_API=1`, updates the list first.
fn exports_what_is_listed(package: &str) {
    let Some(items) = items(package) else { return };
    let file = listed(package);
    if env::var_os("UPDATE_PUBLIC_API").is_some() {
        fs::write(&file, &items).expect("the list is written");
    }
    let list = fs::read_to_string(&file).expect("the list");
    let (exported, listed): (BTreeSet<_>, BTreeSet<_>) =
        (items.lines().collect(), list.lines().collect());
    let new: Vec<_> = exported.difference(&listed).collect();
    let removed: Vec<_> = listed.difference(&exported).collect();
    assert!(
        new.is_empty() && removed.is_empty(),
        "the public API of {package} has changed.\nnew: {new:#?}\nremoved: {removed:#?}\n\
         If this is intended, describe the change in CHANGELOG.md, and update the list with UPDATE_PUBLIC_API=1."
    );
}

/// The crates whose items appear in a list.
fn crates(package: &str) -> BTreeSet<String> {
    let list = fs::read_to_string(listed(package)).expect("the list");
    let paths = list.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let roots = paths.filter_map(|path| Some(path.split_once("::")?.0));
    // Type parameters begin with a capital letter.
    let crates = roots.filter(|root| root.starts_with(|c: char| c.is_lowercase()));
    crates.map(ToOwned::to_owned).collect()
}

fn names_only_crates(package: &str, expected: &[&str]) {
    let language = ["alloc", "core", "std"];
    let expected: BTreeSet<_> = expected
        .iter()
        .chain(&language)
        .map(|name| (*name).to_owned())
        .collect();
    let crates = crates(package);
    let others: Vec<_> = crates.difference(&expected).collect();
    assert!(
        others.is_empty(),
        "{package} has types of {others:?} in its public API"
    );
}

#[test]
fn countersign_exports_what_is_listed() {
    exports_what_is_listed("countersign");
}

#[test]
fn countersign_sql_exports_what_is_listed() {
    exports_what_is_listed("countersign-sql");
}

#[test]
fn countersign_sqlx_exports_what_is_listed() {
    exports_what_is_listed("countersign-sqlx");
}

#[test]
fn countersign_postgres_exports_what_is_listed() {
    exports_what_is_listed("countersign-postgres");
}

#[test]
fn countersign_rusqlite_exports_what_is_listed() {
    exports_what_is_listed("countersign-rusqlite");
}

#[test]
fn countersign_diesel_exports_what_is_listed() {
    exports_what_is_listed("countersign-diesel");
}

#[test]
fn countersign_redis_exports_what_is_listed() {
    exports_what_is_listed("countersign-redis");
}

#[test]
fn countersign_etcd_exports_what_is_listed() {
    exports_what_is_listed("countersign-etcd");
}

#[test]
fn countersign_pskc_exports_what_is_listed() {
    exports_what_is_listed("countersign-pskc");
}

#[test]
fn countersign_gate_exports_what_is_listed() {
    exports_what_is_listed("countersign-gate");
}

#[test]
fn countersign_axum_exports_what_is_listed() {
    exports_what_is_listed("countersign-axum");
}

#[test]
fn countersign_actix_exports_what_is_listed() {
    exports_what_is_listed("countersign-actix");
}

#[test]
fn only_allowed_foreign_types_are_public() {
    names_only_crates(
        "countersign",
        &["countersign", "rand_core", "serde_core", "uuid"],
    );
    names_only_crates("countersign-sql", &["countersign", "countersign_sql"]);
    names_only_crates(
        "countersign-sqlx",
        &[
            "countersign",
            "countersign_gate",
            "countersign_sql",
            "countersign_sqlx",
            "sqlx_core",
            "sqlx_mysql",
            "sqlx_postgres",
            "sqlx_sqlite",
            "tower_sessions_core",
        ],
    );
    names_only_crates(
        "countersign-postgres",
        &[
            "bb8",
            "countersign",
            "countersign_postgres",
            "countersign_sql",
            "deadpool",
            "deadpool_postgres",
            "postgres_types",
            "tokio_postgres",
        ],
    );
    names_only_crates(
        "countersign-rusqlite",
        &[
            "countersign",
            "countersign_rusqlite",
            "countersign_sql",
            "r2d2",
            "rusqlite",
        ],
    );
    names_only_crates(
        "countersign-diesel",
        &[
            "bb8",
            "countersign",
            "countersign_diesel",
            "countersign_sql",
            "deadpool",
            "diesel",
            "diesel_async",
            "r2d2",
        ],
    );
    names_only_crates(
        "countersign-redis",
        &["countersign", "countersign_redis", "redis"],
    );
    names_only_crates(
        "countersign-etcd",
        &["countersign", "countersign_etcd", "hyper_util"],
    );
    names_only_crates("countersign-pskc", &["countersign", "countersign_pskc"]);
    names_only_crates("countersign-gate", &["countersign", "countersign_gate"]);
    names_only_crates(
        "countersign-axum",
        &[
            "axum",
            "axum_core",
            "countersign",
            "countersign_axum",
            "countersign_gate",
            "http",
            "tower_layer",
            "tower_service",
            "tower_sessions_core",
        ],
    );
    names_only_crates(
        "countersign-actix",
        &[
            "actix_http",
            "actix_service",
            "actix_session",
            "actix_web",
            "anyhow",
            "countersign",
            "countersign_actix",
            "countersign_gate",
            "http",
            "time",
        ],
    );
}
