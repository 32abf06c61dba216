//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories without tracked documents or sources.
const SKIPPED: [&str; 6] = [
    "target",
    "node_modules",
    "corpus",
    "artifacts",
    "coverage",
    "ci-venv",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The path from the root of the repository.
pub(crate) fn name(file: &Path) -> String {
    let relative = file.strip_prefix(root()).unwrap();
    relative.to_string_lossy().replace('\\', "/")
}

pub(crate) fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"))
}

pub(crate) fn lines_of(file: &Path) -> usize {
    read(file).lines().count()
}

/// All files with this extension under a directory, in order.
pub(crate) fn under(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&root().join(directory), extension, &mut files);
    files.sort();
    files
}

fn collect(directory: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                collect(&path, extension, files);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
}

/// The directories in a directory, as paths from the root.
pub(crate) fn directories(parent: &str) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(root().join(parent)).unwrap();
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| name(&path))
        .collect();
    found.sort();
    found.into_iter()
}

/// The Rust files of the core, of the stores, of the gates and of the file formats.
pub(crate) fn sources() -> Vec<PathBuf> {
    let mut files = under("src", "rs");
    for package in ["stores", "gates", "formats"]
        .into_iter()
        .flat_map(directories)
    {
        files.extend(under(&format!("{package}/src"), "rs"));
    }
    files
}
