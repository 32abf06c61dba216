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
    /// Runs rustdoc on a package of this workspace, with the versions of its lock file and without
    /// a network.
    ///
    /// # Errors
    /// If cargo or rustdoc fails, or if its output cannot be read.
    pub fn of(package: &str, target: &Path) -> Result<Self, Box<dyn Error>> {
        let file = describe(package, target)?;
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

/// The file that rustdoc writes.
fn describe(package: &str, target: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        // The JSON output of rustdoc is unstable.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["rustdoc", "--quiet", "--offline", "--lib", "--all-features"])
        .args(["--package", package, "--target-dir"])
        .arg(target)
        .args(["--", "-Zunstable-options", "--output-format=json"])
        .status()?;
    if !status.success() {
        return Err(format!("rustdoc of {package}: {status}").into());
    }
    let name = package.replace('-', "_");
    Ok(target.join("doc").join(name).with_extension("json"))
}
