//! The guides in `docs/` show the files of the programs, whole and unchanged, and what part B
//! changes.
//!
//! `UPDATE_GUIDES=1 cargo test -p countersign-guides` copies the files into the guides.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Part B has at most so many lines of Rust.
const LARGEST_PART_B: usize = 40;

#[test]
fn guides_show_the_files_of_programs() {
    for guide in ["axum", "actix-web"] {
        let path = root().join(format!("../../docs/{guide}.md"));
        let shown = fs::read_to_string(&path).unwrap();
        let (assembled, files) = assemble(&shown, &Program::of(guide));
        update_or_compare(&path, &shown, &assembled);
        let Program { before, after } = Program::of(guide);
        for name in files_of(&before) {
            assert!(files.contains(&(Part::A, name.clone())), "{guide}: {name} of part A");
        }
        for name in files_of(&after) {
            let is_same =
                files_of(&before).contains(&name) && file(&before, &name) == file(&after, &name);
            assert!(
                is_same || files.contains(&(Part::B, name.clone())),
                "{guide}: {name} of part B"
            );
        }
    }
}

#[test]
fn pages_show_the_files_of_the_repository() {
    for (page, number) in [("axum-login", 1), ("sql-drivers", 2)] {
        let path = root().join(format!("../../docs/{page}.md"));
        let shown = fs::read_to_string(&path).unwrap();
        let repository = root().join("../..");
        let program = Program { before: repository.clone(), after: repository };
        let (assembled, files) = assemble(&shown, &program);
        assert_eq!(files.len(), number, "{page}");
        update_or_compare(&path, &shown, &assembled);
    }
}

#[test]
fn part_b_is_short() {
    for guide in ["axum", "actix-web"] {
        let Program { before, after } = Program::of(guide);
        let mut lines = 0;
        for name in files_of(&after) {
            if !name.ends_with(".rs") || name == "src/tests.rs" {
                continue;
            }
            let old = fs::read_to_string(before.join(&name)).unwrap_or_default();
            let new = file(&after, &name);
            lines +=
                diff(&old, &new).iter().filter(|(sign, line)| *sign == '+' && counts(line)).count();
        }
        let text = fs::read_to_string(root().join(format!("../../docs/{guide}.md"))).unwrap();
        assert!(lines <= LARGEST_PART_B, "{guide}: {lines}");
        assert!(
            text.contains(&format!("\n{lines} lines of Rust and two lines of")),
            "{guide}: {lines}"
        );
    }
}

/// The two guides share these files, so that a reader of one can read the other.
#[test]
fn guides_share_the_neutral_files() {
    let [axum, actix] = ["axum", "actix-web"].map(Program::of);
    for part in ["password", "two-factors"] {
        let [axum, actix] =
            ["axum", "actix-web"].map(|guide| file(&root().join(guide).join(part), "src/users.rs"));
        assert!(axum == actix, "{part}");
    }
    let [axum, actix] = [axum, actix].map(|program| file(&program.after, "src/second_factor.rs"));
    assert!(axum.replace("countersign_axum", "countersign_actix") == actix);
}

fn update_or_compare(path: &Path, shown: &str, assembled: &str) {
    if shown != assembled && env::var_os("UPDATE_GUIDES").is_some() {
        fs::write(path, assembled).unwrap();
    } else {
        assert!(shown == assembled, "{path:?} shows other text: run with UPDATE_GUIDES=1");
    }
}

/// A line of the reader's own: no blank line, no comment, and no part of the test.
fn counts(line: &str) -> bool {
    let line = line.trim();
    !(line.is_empty() || line.starts_with("//") || line == "#[cfg(test)]" || line == "mod tests;")
}

struct Program {
    before: PathBuf,
    after: PathBuf,
}

impl Program {
    fn of(guide: &str) -> Self {
        let directory = root().join(guide);
        Self { before: directory.join("password"), after: directory.join("two-factors") }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    A,
    B,
}

/// Replaces each block that follows the name of a file by that file, or by its changes. Returns the
/// names of the files that are shown whole, too.
fn assemble(markdown: &str, program: &Program) -> (String, Vec<(Part, String)>) {
    let (mut text, mut files, mut part) = (String::new(), Vec::new(), Part::A);
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        if line.starts_with("## Part B") {
            part = Part::B;
        }
        let Some((name, rest)) = line.strip_prefix('`').and_then(|line| line.split_once('`'))
        else {
            continue;
        };
        let block = match (rest, part) {
            (":", Part::A) => file(&program.before, name),
            (":", Part::B) => file(&program.after, name),
            (", with changes:", _) => {
                changes(&file(&program.before, name), &file(&program.after, name))
            }
            _ => continue,
        };
        if rest == ":" {
            files.push((part, name.to_owned()));
        }
        // An empty line, and the line that opens the block.
        for line in lines.by_ref().take(2) {
            text.push_str(line);
            text.push('\n');
        }
        lines.by_ref().find(|line| *line == "```").unwrap();
        text.push_str(&block);
        text.push_str("```\n");
    }
    (text, files)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file(package: &Path, name: &str) -> String {
    let text = fs::read_to_string(package.join(name)).unwrap();
    if name != "Cargo.toml" {
        return text;
    }
    // The reader's package lies next to the checkout, and has none of our tests.
    let (_, rest) = text.split_once("[dependencies]").unwrap();
    let rest = rest.replace("\"../../../../", "\"../countersign/");
    let lines = rest.lines().filter(|line| !line.starts_with("countersign-guides"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let text = text.trim_end().trim_end_matches("[dev-dependencies]").trim_end();
    format!("[dependencies]{text}\n\n[profile.dev.package.argon2]\nopt-level = 3\n")
}

/// The files that a reader must write.
fn files_of(package: &Path) -> Vec<String> {
    let sources = fs::read_dir(package.join("src")).unwrap();
    let sources = sources.map(|file| format!("src/{}", file.unwrap().file_name().display()));
    let mut files: Vec<String> =
        ["Cargo.toml", "schema.sql"].map(String::from).into_iter().chain(sources).collect();
    files.sort_unstable();
    files
}

/// The changed lines, with up to two lines around each.
fn changes(old: &str, new: &str) -> String {
    let lines = diff(old, new);
    let is_near = |index: usize| {
        let around = index.saturating_sub(2)..(index + 3).min(lines.len());
        lines[around].iter().any(|(sign, _)| *sign != ' ')
    };
    let (mut text, mut is_gap) = (String::new(), false);
    for (index, (sign, line)) in lines.iter().enumerate() {
        if !is_near(index) {
            is_gap = true;
            continue;
        }
        if is_gap {
            text.push_str("@@\n");
        }
        is_gap = false;
        text.push_str(format!("{sign}{line}").trim_end());
        text.push('\n');
    }
    text
}

/// The lines of both texts, by their longest common subsequence: `-` removed, `+` added.
fn diff<'a>(old: &'a str, new: &'a str) -> Vec<(char, &'a str)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut lines, mut i, mut j) = (Vec::new(), 0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    lines
}
