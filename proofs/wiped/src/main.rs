//! Runs a number of operations of a scenario that uses and drops secrets. Then searches all
//! writable memory of this process for the secrets. Prints one line for each part that it finds:
//! the kind, the place and the number of bytes. The last line is `end`, or `stopped` if the
//! scenario has more operations.
//!
//! The test `wiped` of this package builds and runs this program.

mod hmac_states;
mod known_secrets;
mod random;
mod scanner;
mod scenarios;
mod stop;

use known_secrets::KnownSecrets;
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
    let known = KnownSecrets::default();
    let stop = Stop::after(operations);
    let scanner = Scanner::start(known.clone())?;
    let mark = 0_u8;
    let stack = std::ptr::from_ref(black_box(&mark)).addr();

    let kept = scenario(&known, &stop);
    let found = scanner.search()?;

    let mut out = io::stdout().lock();
    for part in found {
        let depth = stack.saturating_sub(part.address);
        let place = match part.mapping.as_str() {
            "[stack]" => format!("[stack] {depth} below"),
            other => format!("{other} {:#x}", part.address),
        };
        writeln!(out, "{}\t{place}\t{} bytes", part.kind, part.length)?;
    }
    match kept {
        Ok(kept) => drop(kept),
        Err(error) if error.is::<Stopped>() => return Ok(writeln!(out, "stopped")?),
        Err(error) => return Err(error),
    }
    Ok(writeln!(out, "end")?)
}
