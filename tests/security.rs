//! SECURITY.md names tests: each of them is there.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_security_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["src", "tests", "examples", "stores"] {
        read(&root.join(folder), &mut sources);
    }
    let document = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let quoted = document.split('`').skip(1).step_by(2);
    let names: Vec<&str> = quoted.filter(|text| is_test_name(text)).collect();
    assert!(names.len() > 80, "{}", names.len());
    let has = |name: &str, after: char| sources.contains(&format!("fn {name}{after}"));
    let missing = |name: &&&str| !has(name, '(') && !has(name, '<');
    let missing: Vec<_> = names.iter().filter(missing).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Whether it is a sentence with underscores.
fn is_test_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.bytes().all(is_letter) && text.matches('_').count() >= 3
}

/// Adds the text of every Rust file in the folder.
fn read(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}
