//! A small tool like oathtool, for passcodes, secrets, key URIs, exports of apps and QR codes. It
//! uses only the primitives.
//!
//! `cargo run --example otp -- --help`
//!
//! It exits with 0 on success, 1 for a passcode that is not accepted or a line that cannot be read,
//! and 2 for bad usage. Other users of the computer can see a secret in the arguments: pass `-`
//! instead, and the secret as a line on standard input.

mod args;
mod batch;
mod failure;
mod key_uris;
mod lines;
mod migrate;
mod new;
mod passcodes;
mod qr_codes;

use crate::args::{Command, Tool};
use crate::failure::Failure;
use crate::lines::Lines;
use clap::Parser;
use countersign::uri::migration::MigrationUri;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Tool::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit_code(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let mut input = Lines::new(io::stdin());
    let mut out = BufWriter::new(io::stdout().lock());
    let result = match command {
        Command::Generate(generate) => passcodes::generate(&generate, &mut input, &mut out),
        Command::Verify(verify) => passcodes::verify(&verify, &mut input, &mut out),
        Command::Secret(secret) => new::secret(&secret, &mut out),
        Command::BackupCodes(codes) => new::backup_codes(&codes, &mut out),
        Command::Qr(qr) => qr_codes::qr(&qr, &mut input, &mut out),
        Command::Uri(uri) if uri.parse => key_uris::parse(uri.lenient, &mut input, &mut out),
        Command::Uri(uri) => key_uris::build(&uri, &mut input, &mut out),
        Command::Migrate(args) => {
            let mut input = Lines::with_limit(io::stdin(), MigrationUri::MAX_BYTES);
            migrate::run(&args, &mut input, &mut out)
        }
        Command::Batch => batch::run(&mut input, &mut out),
    };
    out.flush()?;
    result
}
