//! Compiles small programs against countersign, and returns what the compiler says. Not published.

use serde_json::Value;
use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// countersign as this package builds it.
#[derive(Debug)]
pub struct Library {
    file: PathBuf,
}

impl Library {
    /// Builds the library, without a network.
    ///
    /// # Errors
    /// If cargo fails, or does not say where the library is.
    pub fn build() -> Result<Self, Box<dyn Error>> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--offline", "--lib"])
            .args(["--package", env!("CARGO_PKG_NAME")])
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let messages = String::from_utf8(output.stdout)?;
        let file = messages.lines().find_map(library_file);
        let file = file.ok_or("cargo built no countersign")?;
        Ok(Self { file })
    }

    /// Compiles a program. Returns the compiler's messages, or nothing if there are none.
    ///
    /// # Errors
    /// If the compiler cannot be started.
    pub fn compile(&self, program: &Path) -> Result<String, Box<dyn Error>> {
        let dependencies = self.file.parent().ok_or("the library has no directory")?;
        let out = env::temp_dir().join(env!("CARGO_PKG_NAME"));
        let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(compiler)
            .args(["--edition", "2024", "--emit", "metadata"])
            .arg("--out-dir")
            .arg(out)
            .arg("-L")
            .arg(format!("dependency={}", dependencies.display()))
            .arg("--extern")
            .arg(format!("countersign={}", self.file.display()))
            .arg(program)
            // The compiler shows lines of the library, whose paths begin at the workspace.
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
            .output()?;
        Ok(String::from_utf8(output.stderr)?)
    }
}

/// The file of the library, if a message of cargo names it.
fn library_file(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message.get("target")?.get("name")? != "countersign" {
        return None;
    }
    let files = message.get("filenames")?.as_array()?;
    let file = files
        .iter()
        .filter_map(Value::as_str)
        .find(|file| file.ends_with(".rlib"))?;
    Some(file.into())
}
