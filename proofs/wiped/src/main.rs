//! Runs so many operations of a scenario, in which secrets are used and dropped, and then looks for them in all
//! writable memory of this process. Prints a line for every part that it finds: what, where, how many bytes.
//! The last line is `end`, or `stopped` if the scenario has more operations.
//!
//! `tests/wiped.rs` of countersign builds and runs it.

mod hmac_states;
mod needles;
mod random;
mod scanner;
mod scenarios;
mod stop;

use needles::Learned;
use scanner::Scanner;
use std::hint::black_box;
use std::io::{self, Write};
use std::process::ExitCode;
use stop::{Stop, Stopped};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let operations = arguments
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or(usize::MAX);
    let (_, scenario) = scenarios::ALL
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or("name a scenario")?;
    let learned = Learned::default();
    let stop = Stop::after(operations);
    let scanner = Scanner::start(learned.clone())?;
    let mark = 0_u8;
    let stack = std::ptr::from_ref(black_box(&mark)).addr();

    let kept = scenario(&learned, &stop);
    let finds = scanner.search()?;

    let mut out = io::stdout().lock();
    for find in finds {
        let depth = stack.saturating_sub(find.address);
        let place = match find.mapping.as_str() {
            "[stack]" => format!("[stack] {depth} below"),
            other => format!("{other} {:#x}", find.address),
        };
        writeln!(out, "{}\t{place}\t{} bytes", find.kind, find.length)?;
    }
    match kept {
        Ok(kept) => drop(kept),
        Err(error) if error.is::<Stopped>() => return Ok(writeln!(out, "stopped")?),
        Err(error) => return Err(error),
    }
    Ok(writeln!(out, "end")?)
}
