//! The public API of the published packages, as text with one item per line.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use public_api::Builder;
use rustdoc_types::FORMAT_VERSION;

/// The public API of a package with all its features.
#[derive(Debug)]
pub enum Api {
    /// The public items in order, without derived implementations.
    Items(String),
    /// This compiler's rustdoc writes an unknown format.
    UnknownFormat(String),
}

impl Api {
    /// Reads what [`describe`] wrote about a package in a directory.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of(package: &str, descriptions: &Path) -> Result<Self, Box<dyn Error>> {
        let name = package.replace('-', "_");
        let file = descriptions.join(name).with_extension("json");
        let description: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        let version = description
            .get("format_version")
            .and_then(serde_json::Value::as_u64);
        if version != Some(FORMAT_VERSION.into()) {
            return Ok(Self::UnknownFormat(format!(
                "rustdoc writes format {version:?}; this program reads format {FORMAT_VERSION}"
            )));
        }
        let api = Builder::from_rustdoc_json(file)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(true)
            .build()?;
        Ok(Self::Items(api.to_string()))
    }
}

/// Runs rustdoc on all packages of this workspace, with the versions of its lock file and without
/// a network. Returns the directory of the descriptions.
///
/// It builds what `cargo doc --workspace --all-features` builds, so in the same target directory
/// it compiles nothing again. Only rustdoc may use unstable options, because a variable for the
/// whole build would compile some dependencies again.
///
/// # Errors
/// If cargo or rustdoc fails.
pub fn describe(target: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .env(
            "RUSTDOC",
            concat!(env!("CARGO_MANIFEST_DIR"), "/unstable-rustdoc"),
        )
        .env("RUSTDOCFLAGS", "-Zunstable-options --output-format=json")
        .args(["doc", "--quiet", "--offline", "--workspace", "--lib"])
        .args(["--no-deps", "--all-features", "--target-dir"])
        .arg(target)
        .status()?;
    if !status.success() {
        return Err(format!("rustdoc: {status}").into());
    }
    Ok(target.join("doc"))
}
