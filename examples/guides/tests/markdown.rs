//! The guides in `docs/` show the files of the programs, whole and unchanged.
//!
//! `UPDATE_GUIDES=1 cargo test -p countersign-guides` copies the files into the guides.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::{env, fs};

#[test]
fn guides_show_the_files_of_programs() {
    for guide in ["axum", "actix-web"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = directory.join(format!("../../docs/{guide}.md"));
        let shown = fs::read_to_string(&path).unwrap();
        let (assembled, mut files) = assemble(&shown, &directory.join(guide));
        if env::var_os("UPDATE_GUIDES").is_some() {
            fs::write(&path, assembled).unwrap();
        } else {
            assert!(shown == assembled, "{guide} shows other text: run with UPDATE_GUIDES=1");
        }
        files.sort_unstable();
        assert_eq!(files, files_of(&directory.join(guide)), "{guide}");
    }
}

/// The guides share these files, so the tests of the store and of the pages apply to both guides.
#[test]
fn guides_share_the_neutral_files() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["schema.sql", "src/pages.rs", "src/store.rs"] {
        let [axum, actix] = ["axum", "actix-web"].map(|guide| file(&directory.join(guide), name));
        assert!(axum == actix, "{name}");
    }
}

/// Replaces each block that follows the name of a file by that file. Returns the names too.
fn assemble(markdown: &str, package: &Path) -> (String, Vec<String>) {
    let (mut text, mut files) = (String::new(), Vec::new());
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        let name = line.strip_prefix('`').and_then(|line| line.strip_suffix("`:"));
        let Some(name) = name else { continue };
        // An empty line, and the line that opens the block.
        for line in lines.by_ref().take(2) {
            text.push_str(line);
            text.push('\n');
        }
        lines.by_ref().find(|line| *line == "```").unwrap();
        text.push_str(&file(package, name));
        text.push_str("```\n");
        files.push(name.to_owned());
    }
    (text, files)
}

fn file(package: &Path, name: &str) -> String {
    let text = fs::read_to_string(package.join(name)).unwrap();
    if name != "Cargo.toml" {
        return text;
    }
    // The reader's package lies next to the checkout.
    let (_, rest) = text.split_once("\n[dependencies]").unwrap();
    let (dependencies, _) = rest.split_once("\n\n").unwrap();
    let dependencies = dependencies.replace("\"../../../", "\"../countersign/");
    let dependencies = dependencies.replace("\"../../..\"", "\"../countersign\"");
    format!("[dependencies]{dependencies}\n\n[profile.dev.package.\"*\"]\nopt-level = 3\n")
}

/// The files that a reader must write.
fn files_of(package: &Path) -> Vec<String> {
    let sources = fs::read_dir(package.join("src")).unwrap();
    let sources = sources.map(|file| format!("src/{}", file.unwrap().file_name().display()));
    let others = ["Cargo.toml", "schema.sql"].map(String::from);
    let mut files: Vec<String> = others.into_iter().chain(sources).collect();
    files.sort_unstable();
    files
}
