//! The computer that runs a benchmark.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use super::database::Error;

/// The computer: its processor, its memory and its kernel.
///
/// # Errors
/// If the system does not report the number of threads.
pub fn describe() -> Result<String, Error> {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kib: u64 = value(&memory, "MemTotal")
        .and_then(|text| text.trim_end_matches(" kB").parse().ok())
        .unwrap_or_default();
    Ok(format!(
        "{} hardware threads ({}), {} GiB of memory, {} {}",
        thread::available_parallelism()?,
        value(&cpus, "model name").unwrap_or("unknown"),
        kib.div_ceil(1024 * 1024),
        env::consts::OS,
        kernel.trim().split('-').next().unwrap_or_default(),
    ))
}

/// The current load, and the current speed of the disk.
pub(super) fn state() -> Result<String, Error> {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = load.split(' ').next().unwrap_or_default();
    Ok(format!(
        "Load average of the last minute: {minute}. \
         Writing 4 KiB and waiting for the disk takes {:.2} ms.",
        fdatasync()?.as_secs_f64() * 1e3
    ))
}

/// The processor time of all threads of this process. It is more reliable than a rate if other
/// programs run.
///
/// # Errors
/// If the system does not have `/proc/self/task`.
pub fn cpu_time() -> Result<Duration, Error> {
    let mut nanoseconds = 0;
    for task in fs::read_dir("/proc/self/task")? {
        // A thread may end meanwhile.
        let times = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        let on_cpu = times.split(' ').next().and_then(|time| time.parse().ok());
        nanoseconds += on_cpu.unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The resident memory of this process, in bytes.
///
/// # Errors
/// If the system does not have `/proc/self/status`.
pub fn resident() -> Result<f64, Error> {
    memory("/proc/self/status", "VmRSS")
}

/// The memory that is available without swapping, in bytes.
///
/// # Errors
/// If the system does not have `/proc/meminfo`.
pub fn available_memory() -> Result<f64, Error> {
    memory("/proc/meminfo", "MemAvailable")
}

fn memory(file: &str, name: &str) -> Result<f64, Error> {
    let text = fs::read_to_string(file)?;
    let kib = value(&text, name).ok_or_else(|| format!("no {name} in {file}"))?;
    Ok(kib.trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}

/// The median time of a synchronous write, in the directory of the databases.
fn fdatasync() -> Result<Duration, Error> {
    let path = env::temp_dir().join(format!("countersign-disk-{}", process::id()));
    let mut file = File::create_new(&path)?;
    // The file stays writable after its name is gone.
    fs::remove_file(&path)?;
    let mut times = Vec::new();
    for _ in 0..51 {
        let start = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}
