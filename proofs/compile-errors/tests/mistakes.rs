//! The compiler's messages for the eight likeliest mistakes say what to do.
//!
//! Each mistake is a program in the directory `mistakes`. A test looks for the helpful words only,
//! because other versions of the compiler write the rest in another way.
#![allow(clippy::expect_used, reason = "tests")]

use countersign_compile_errors::Library;
use std::path::Path;
use std::sync::LazyLock;

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::build().expect("the library"));

fn messages(program: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("mistakes")
        .join(program);
    LIBRARY.compile(&file).expect("the compiler runs")
}

fn expect_message(program: &str, code: &str, words: &[&str]) {
    let messages = messages(program);
    for words in [code].iter().chain(words) {
        assert!(messages.contains(words), "{words:?} is not in:\n{messages}");
    }
}

#[test]
fn the_program_without_a_mistake_compiles() {
    assert_eq!(messages("none.rs"), "");
}

// `Arc<dyn Trait>` is the usual way to choose an implementation at run time.
#[test]
fn a_dyn_store_names_box_store() {
    expect_message("dyn_store.rs", "E0038", &["Use `BoxStore`"]);
}

// An `Arc` of a store is a store, so a `Box` of one looks right too.
#[test]
fn a_store_in_a_box_names_box_store() {
    let words = "use `countersign::store::BoxStore`";
    expect_message("store_in_a_box.rs", "E0277", &[words]);
}

// A blocking database client makes a `blocking::Store`, which the async verifier does not take.
#[test]
fn a_blocking_store_names_the_adapter() {
    let words = "use `countersign::blocking::Adapter::new`";
    expect_message("blocking_store.rs", "E0277", &[words]);
}

// Many libraries take a closure as their clock.
#[test]
fn a_closure_as_clock_names_the_trait() {
    let words = "a closure is not a clock: implement `Clock`";
    expect_message("closure_as_clock.rs", "E0277", &[words]);
}

// `generate_with` takes a generator of `rand_core`, so `random` seems to take one too.
#[test]
fn a_generator_as_random_source_names_the_trait() {
    let words = "implement `RandomSource` for it";
    expect_message("generator_as_random_source.rs", "E0277", &[words]);
}

// The limit is the one setting of `TokioPool`, so it looks like the argument of `hash_executor`.
#[test]
fn a_limit_as_hash_executor_names_the_pool() {
    let words = "use `countersign::runtime::TokioPool::new(limit)`";
    expect_message("limit_as_hash_executor.rs", "E0277", &[words]);
}

// A call without `?` looks complete, and lets every code in.
#[test]
fn an_ignored_result_is_an_error() {
    let words = "unused `Result` that must be used";
    expect_message("ignored_result.rs", "unused_must_use", &[words]);
}

// Other libraries answer a check with a `bool`.
#[test]
fn a_result_is_no_bool() {
    let words = "found `Result<Receipt, Denied>`";
    expect_message("result_as_bool.rs", "E0308", &[words]);
}
