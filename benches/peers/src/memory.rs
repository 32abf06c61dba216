use std::fs;

use super::Error;

/// The resident memory of this process, in bytes.
pub fn resident() -> Result<f64, Error> {
    value("/proc/self/status", "VmRSS:")
}

/// The memory that is available without swapping, in bytes.
pub fn available() -> Result<f64, Error> {
    value("/proc/meminfo", "MemAvailable:")
}

fn value(file: &str, name: &str) -> Result<f64, Error> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib = kib.ok_or_else(|| format!("no {name} in {file}"))?;
    Ok(kib.parse::<f64>()? * 1024.0)
}
