use clap::{Args, Parser, Subcommand, ValueEnum};
use countersign::otp::{Algorithm, AlgorithmError, Digits, DigitsError, Period, PeriodError};
use countersign::uri::qr::QrLevel;
use std::path::PathBuf;

/// Passcodes, secrets, key URIs and QR codes.
///
/// Exits with 0 on success, 1 for "no" and 2 for bad usage.
#[derive(Parser)]
#[command(name = "otp", version)]
pub(crate) struct Tool {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print the passcode of a secret.
    Generate(Generate),
    /// Say by the exit status whether a passcode is accepted.
    Verify(Verify),
    /// Print a new secret.
    Secret(NewSecret),
    /// Print a new set of backup codes.
    BackupCodes(NewCodes),
    /// Show a key URI as a QR code.
    Qr(Picture),
    /// Print a key URI, and on standard error which apps will not read it as it is; or with
    /// `--parse` read them.
    Uri(KeyUriArgs),
    /// Read lines of six fields with tabs between, `kind secret algorithm digits period-or-counter
    /// time` (kind: totp or hotp), and print the passcode or `error: ...` for each.
    Batch,
}

/// The parameters of an authenticator.
#[derive(Args)]
pub(crate) struct Parameters {
    /// SHA1, SHA256 or SHA512.
    #[arg(long, default_value = "SHA1", value_parser = algorithm)]
    pub(crate) algorithm: Algorithm,
    /// 6, 7 or 8.
    #[arg(long, default_value = "6", value_parser = digits)]
    pub(crate) digits: Digits,
    /// The time step in seconds.
    #[arg(long, default_value = "30", value_parser = period, conflicts_with = "counter")]
    pub(crate) period: Period,
    /// The counter: HOTP instead of TOTP.
    #[arg(long)]
    pub(crate) counter: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Generate {
    /// The secret in base32, as people type it; `-` for a line of standard input.
    #[arg(long, value_name = "B32")]
    pub(crate) secret: String,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    /// Seconds since 1970; now, if it is not given.
    #[arg(long, value_name = "UNIX", conflicts_with = "counter")]
    pub(crate) time: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) generate: Generate,
    /// Steps before and after the current one, or counters to look ahead, that are accepted as
    /// well.
    #[arg(long, default_value_t = 1)]
    pub(crate) window: u8,
    /// The passcode, as people type it; a line of standard input, if it is not given.
    pub(crate) code: Option<String>,
}

#[derive(Args)]
pub(crate) struct NewSecret {
    /// In groups of four, to type.
    #[arg(long)]
    pub(crate) grouped: bool,
}

#[derive(Args)]
pub(crate) struct NewCodes {
    /// How hard a code is to guess.
    #[arg(long, value_enum, default_value_t = Strength::Digits)]
    pub(crate) strength: Strength,
    /// The file to print and keep, for this service, instead of the bare codes.
    #[arg(long, value_name = "SERVICE", requires = "date")]
    pub(crate) sheet: Option<String>,
    /// The date on the sheet.
    #[arg(long, requires = "sheet")]
    pub(crate) date: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Strength {
    /// Eight digits.
    Digits,
    /// At least 64 bits.
    #[value(name = "64")]
    Bits64,
    /// At least 112 bits.
    #[value(name = "112")]
    Bits112,
}

#[derive(Args)]
pub(crate) struct Picture {
    #[command(flatten)]
    pub(crate) output: PictureOutput,
    /// The error correction: L, M, Q or H. Without it L for a terminal, which has few rows, and M for a picture.
    #[arg(long, value_parser = level)]
    pub(crate) level: Option<QrLevel>,
    /// The size of a module in pixels.
    #[arg(long, value_name = "PIXELS")]
    pub(crate) module_size: Option<u8>,
    /// The key URI; `-` for a line of standard input. After `--svg`, a file to write may stand
    /// beside it.
    #[arg(value_name = "URI", required = true, num_args = 1..=2)]
    pub(crate) uri: Vec<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct PictureOutput {
    /// Print SVG.
    #[arg(long)]
    pub(crate) svg: bool,
    /// Write a PNG file, `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
    /// Print text for a terminal.
    #[arg(long)]
    pub(crate) terminal: bool,
}

#[derive(Args)]
pub(crate) struct KeyUriArgs {
    /// Read key URIs, one a line of standard input, and print a JSON object a line.
    #[arg(long, conflicts_with_all = ["issuer", "issuer_prefix", "account", "secret", "algorithm", "digits", "period", "counter", "image"])]
    pub(crate) parse: bool,
    /// Mend what can be mended, and say what was.
    #[arg(long, requires = "parse")]
    pub(crate) lenient: bool,
    /// The service.
    #[arg(long)]
    pub(crate) issuer: Option<String>,
    /// Another name before the account than the issuer.
    #[arg(long, value_name = "PREFIX", requires = "issuer")]
    pub(crate) issuer_prefix: Option<String>,
    /// The account at the service.
    #[arg(long, required_unless_present = "parse")]
    pub(crate) account: Option<String>,
    /// The secret in base32, as people type it; `-` for a line of standard input.
    #[arg(long, value_name = "B32", required_unless_present = "parse")]
    pub(crate) secret: Option<String>,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    /// The https address of a logo.
    #[arg(long)]
    pub(crate) image: Option<String>,
}

/// The algorithm with this name, in upper or lower case.
pub(crate) fn algorithm(name: &str) -> Result<Algorithm, AlgorithmError> {
    name.to_ascii_uppercase().parse()
}

fn digits(text: &str) -> Result<Digits, DigitsError> {
    Digits::new(text.parse().unwrap_or_default())
}

fn period(text: &str) -> Result<Period, PeriodError> {
    Period::from_secs(text.parse().unwrap_or_default())
}

fn level(name: &str) -> Result<QrLevel, &'static str> {
    match name {
        "L" => Ok(QrLevel::Low),
        "M" => Ok(QrLevel::Medium),
        "Q" => Ok(QrLevel::Quartile),
        "H" => Ok(QrLevel::High),
        _ => Err("the level is not L, M, Q or H"),
    }
}
