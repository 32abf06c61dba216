//! The public API of the published packages, as text: one item a line.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use public_api::Builder;
use rustdoc_types::FORMAT_VERSION;

/// What a package offers with all its features.
#[derive(Debug)]
pub enum Api {
    /// Its public items in order, less what the compiler derives.
    Items(String),
    /// This compiler describes a crate in a format that is not understood here.
    UnknownFormat(String),
}

impl Api {
    /// Has rustdoc describe a package of this workspace, with the versions of its lock file and without a network.
    ///
    /// # Errors
    /// If cargo or rustdoc fails, or writes what cannot be read.
    pub fn of(package: &str, target: &Path) -> Result<Self, Box<dyn Error>> {
        let file = describe(package, target)?;
        let description: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        let version = description
            .get("format_version")
            .and_then(serde_json::Value::as_u64);
        if version != Some(FORMAT_VERSION.into()) {
            return Ok(Self::UnknownFormat(format!(
                "rustdoc writes format {version:?}, and {FORMAT_VERSION} is understood"
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

/// The file that rustdoc wrote.
fn describe(package: &str, target: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        // JSON is not stable in rustdoc, nor is it another compiler's that is described.
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
