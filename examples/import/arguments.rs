use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use countersign::Timestamp;

/// Import the accounts of another system from JSON lines on standard input.
///
/// You can kill the program at any moment and run it again: it continues where it stopped.
///
/// The last line of standard output is a JSON object that counts the accounts and lists the refused
/// lines. Exit status: 0 if every account is imported, 1 if a line was refused, 2 for bad usage,
/// 3 if the database or the key failed.
#[derive(Parser)]
#[command(name = "import", args_conflicts_with_subcommands = true)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) import: Option<ImportArguments>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign in to one account with one code, which is used up.
    ///
    /// Exit status: 0 if the code is accepted, 1 if not, 2 for bad usage, 3 if the database or the
    /// key failed.
    Check(Check),
    /// Convert a file of hardware tokens (PSKC or CSV) into the lines that this program imports.
    ///
    /// The account of a token is its user id in the file, or else its serial number. Errors and
    /// notes go to standard error, with the place and the field. Exit status: 0 if every token is
    /// written, 1 if a token or the file was refused, 2 for bad usage, 3 if a file cannot be read.
    Pskc(Pskc),
}

#[derive(Args)]
pub(crate) struct ImportArguments {
    /// The SQLite database.
    #[arg(long, value_name = "FILE")]
    pub(crate) db: PathBuf,
    /// The file with the encryption key. It is created if there is no database yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Check every line, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The fewest bits that a secret may have: 8 to 128.
    #[arg(long, value_name = "N", default_value_t = 128)]
    #[arg(value_parser = clap::value_parser!(u16).range(8..=128))]
    pub(crate) min_bits: u16,
}

#[derive(Args)]
pub(crate) struct Check {
    /// The SQLite database.
    #[arg(long, value_name = "FILE")]
    pub(crate) db: PathBuf,
    /// The file with the encryption key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The id of the account.
    #[arg(long, value_name = "ID")]
    pub(crate) account: String,
    /// The Unix time of the sign-in. Default: now.
    #[arg(long, value_name = "UNIX", value_parser = unix_time)]
    pub(crate) time: Option<Timestamp>,
    /// A passcode or a backup code, or `-` for a line on standard input. Other users of the
    /// computer can see a code in the arguments.
    #[arg(allow_hyphen_values = true)]
    pub(crate) code: String,
}

#[derive(Args)]
pub(crate) struct Pskc {
    /// The PSKC file (RFC 6030).
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A file with the pre-shared key in hexadecimal.
    #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
    pub(crate) key_file: Option<PathBuf>,
    /// A file with the password, in UTF-8. White space at its end does not count.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The file is CSV: serial number, secret in hexadecimal, digits, period.
    #[arg(long, conflicts_with_all = ["key_file", "password_file"])]
    pub(crate) csv: bool,
}

fn unix_time(text: &str) -> Result<Timestamp, String> {
    let seconds = text.parse();
    seconds
        .map(Timestamp::from_unix)
        .map_err(|_| "use whole seconds since 1970".into())
}
