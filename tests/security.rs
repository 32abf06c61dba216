//! SECURITY.md and docs/guarantees.md name tests. Every such test exists.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

/// The documents, and how many names each has at least.
const DOCUMENTS: [(&str, usize); 2] = [("SECURITY.md", 80), ("docs/guarantees.md", 20)];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_test_in_the_documents_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["src", "tests", "examples", "proofs", "stores", "gates"] {
        add_sources(&root.join(folder), &mut sources);
    }
    for (path, least) in DOCUMENTS {
        let document = read(path);
        let quoted = document.split('`').skip(1).step_by(2);
        let names: Vec<&str> = quoted.filter(|text| is_test_name(text)).collect();
        assert!(names.len() > least, "{path}: {} names", names.len());
        let has = |name: &str, after: char| sources.contains(&format!("fn {name}{after}"));
        let missing = |name: &&&str| !has(name, '(') && !has(name, '<');
        let missing: Vec<_> = names.iter().filter(missing).collect();
        assert!(missing.is_empty(), "{path}: {missing:?}");
    }
}

/// A command with a filter that matches no test succeeds, so a wrong filter would go unnoticed.
#[test]
fn every_filter_in_the_guarantees_names_a_module() {
    let commands = read("docs/guarantees.md");
    let mut filters = 0;
    for command in commands.lines().filter(|line| line.contains("cargo test")) {
        let Some((_, target)) = command.split_once("--test ") else {
            continue;
        };
        let Some((target, filter)) = target.split_once(' ') else {
            continue;
        };
        let folder = match command.contains("-p countersign-gate ") {
            true => "gates/gate/",
            false => "",
        };
        let main = read(&format!("{folder}tests/{target}/main.rs"));
        let module = format!("mod {};", filter.trim_end_matches("::"));
        assert!(main.contains(&module), "{command}");
        filters += 1;
    }
    assert!(filters >= 6, "{filters}");
}

/// Whether the text looks like a test name: words with at least three underscores.
fn is_test_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.bytes().all(is_letter) && text.matches('_').count() >= 3
}

/// Adds the text of every Rust file in the directory.
fn add_sources(directory: &Path, sources: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}
