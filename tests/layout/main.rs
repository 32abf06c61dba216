//! The layout of the repository: the width of lines, the size of files, the order of the layers,
//! and no cycle of imports.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod files;
mod imports;
mod lines;

use std::path::PathBuf;

use files::{lines_of, sources, under};
use imports::Imports;

/// The layers of `src/`, lowest first. Each uses only the layers before it in this list (DESIGN.md,
/// "Layers"). `testing` is below `verifier`, because the blocking verifier needs its `block_on`.
const LAYERS: [&str; 20] = [
    "block_hash",
    "constant_time",
    "mac",
    "stack_wipe",
    "time",
    "ids",
    "otp",
    "uri",
    "names",
    "backup",
    "event",
    "store",
    "factor",
    "record",
    "runtime",
    "testing",
    "session",
    "vigilance",
    "verifier",
    "conformance",
];

/// Files of `src/` that hold no code of a layer: the root with its public names, and the guide,
/// which is documentation.
const NO_LAYER: [&str; 2] = ["lib", "guide"];

/// Fails with the list of problems, one per line, unless the list is empty.
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// The long lines of these files, as `find` returns them by number and width.
fn long_lines(files: Vec<PathBuf>, find: impl Fn(&str) -> Vec<(usize, usize)>) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files {
        for (line, columns) in find(&files::read(&file)) {
            problems.push(format!("{}:{line}: {columns} columns", files::name(&file)));
        }
    }
    problems
}

#[test]
fn markdown_lines_have_at_most_120_columns() {
    let documents = under("", "md");
    assert!(documents.len() > 20, "{} documents", documents.len());
    assert_none(&long_lines(documents, |text| {
        lines::long_lines_of_markdown(text, 120)
    }));
}

#[test]
fn comment_lines_have_at_most_100_columns() {
    assert_none(&long_lines(sources(), |text| {
        lines::long_comments(text, 100)
    }));
}

#[test]
fn no_document_has_conflict_markers() {
    let marked = ["md", "rs", "toml", "py"]
        .into_iter()
        .flat_map(|extension| under("", extension));
    let marked = marked.filter(|file| {
        let text = files::read(file);
        text.lines().any(|line| {
            ["<<<<<<<", ">>>>>>>"].iter().any(|marker| {
                line.strip_prefix(marker)
                    .is_some_and(|rest| rest.starts_with(' '))
            })
        })
    });
    assert_none(&marked.map(|file| files::name(&file)).collect::<Vec<_>>());
}

#[test]
fn no_source_file_exceeds_500_lines() {
    let long = sources().into_iter().filter_map(|file| {
        let lines = lines_of(&file);
        (lines > 500).then(|| format!("{}: {lines} lines", files::name(&file)))
    });
    assert_none(&long.collect::<Vec<_>>());
}

#[test]
fn the_core_has_at_most_147_files() {
    let files = under("src", "rs").len();
    assert!((20..=147).contains(&files), "{files} files");
}

#[test]
fn each_layer_uses_only_lower_layers() {
    let imports = Imports::of("src");
    let layers = imports.children(&[]);
    let unknown: Vec<_> = layers
        .iter()
        .filter(|name| !LAYERS.contains(&name.as_str()) && !NO_LAYER.contains(&name.as_str()))
        .map(|name| format!("{name} is in no layer"))
        .collect();
    assert_none(&unknown);
    let place = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut used = 0;
    let mut problems = Vec::new();
    for import in imports.between_children(&[]) {
        let (Some(from), Some(to)) = (place(&import.from), place(&import.to)) else {
            continue;
        };
        used += 1;
        if to > from {
            problems.push(format!(
                "{}: {} uses {}",
                import.file, import.from, import.to
            ));
        }
    }
    assert!(used > 50, "{used} imports");
    assert_none(&problems);
}

#[test]
fn no_files_import_each_other_in_a_cycle() {
    let mut roots = vec![
        "src".to_owned(),
        "fuzz/src".to_owned(),
        "benches/peers/src".to_owned(),
    ];
    roots.extend(files::directories("stores").map(|store| format!("{store}/src")));
    roots.extend(files::directories("benches/peers/benches"));
    let mut problems = Vec::new();
    let mut modules = 0;
    for root in roots {
        let imports = Imports::of(&root);
        modules += imports.len();
        for parent in imports.modules() {
            if let Some(circle) = imports.circle(&parent) {
                let place = [std::slice::from_ref(&root), &parent[..]]
                    .concat()
                    .join("/");
                problems.push(format!("{place}: {}", circle.join(" -> ")));
            }
        }
    }
    assert!(modules > 150, "{modules} modules");
    assert_none(&problems);
}
