use clap::{Args, Parser, Subcommand, ValueEnum};
use countersign::otp::{Algorithm, AlgorithmError, Digits, DigitsError, Period, PeriodError};
use countersign::uri::qr::QrLevel;
use std::path::PathBuf;

/// Passcodes, secrets, key URIs and QR codes.
///
/// Exits with 0 on success, 1 if a passcode or a line is refused, and 2 for bad usage.
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
    /// Check a passcode, and report the result by the exit status.
    Verify(Verify),
    /// Print a new secret.
    Secret(NewSecret),
    /// Print a new set of backup codes.
    BackupCodes(NewCodes),
    /// Show a key URI, or a part of an export, as a QR code.
    Qr(QrArgs),
    /// Print a key URI, and note on standard error which apps misread it. With `--parse`, read key
    /// URIs.
    Uri(KeyUriArgs),
    /// Print the key URIs in exports of Google Authenticator (`otpauth-migration://`). With
    /// `--encode`, print the export of key URIs.
    Migrate(MigrateArgs),
    /// Read lines of six tab-separated fields, `kind secret algorithm digits period-or-counter
    /// time` (kind: totp or hotp), and print the passcode or `error: ...` for each line.
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
    /// The counter. With it the tool uses HOTP instead of TOTP.
    #[arg(long)]
    pub(crate) counter: Option<u64>,
    /// Use Steam Guard instead of TOTP: passcodes of five characters.
    #[arg(long, conflicts_with_all = ["algorithm", "digits", "period", "counter"])]
    pub(crate) steam: bool,
}

#[derive(Args)]
pub(crate) struct Generate {
    /// The secret in base32, as people type it; `-` reads a line of standard input.
    #[arg(long, value_name = "B32")]
    pub(crate) secret: String,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    /// Seconds since 1970. The default is now.
    #[arg(long, value_name = "UNIX", conflicts_with = "counter")]
    pub(crate) time: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) generate: Generate,
    /// The number of time steps that are also accepted before and after the current step; with
    /// HOTP, the number of counters to look ahead.
    #[arg(long, default_value_t = 1)]
    pub(crate) window: u8,
    /// The passcode, as people type it. Without it the tool reads a line of standard input.
    pub(crate) code: Option<String>,
}

#[derive(Args)]
pub(crate) struct NewSecret {
    /// Print groups of four characters, which are easier to type.
    #[arg(long)]
    pub(crate) grouped: bool,
}

#[derive(Args)]
pub(crate) struct NewCodes {
    /// How hard a code is to guess.
    #[arg(long, value_enum, default_value_t = Strength::Digits)]
    pub(crate) strength: Strength,
    /// Print a complete backup-code file for this service, instead of the codes alone.
    #[arg(long, value_name = "NAME", requires = "date")]
    pub(crate) service: Option<String>,
    /// The date in the file.
    #[arg(long, requires = "service")]
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
pub(crate) struct QrArgs {
    #[command(flatten)]
    pub(crate) output: QrOutput,
    /// The error correction: L, M, Q or H. The default is L for a terminal, which has few rows, and
    /// M for an image.
    #[arg(long, value_parser = level)]
    pub(crate) level: Option<QrLevel>,
    /// The size of a module in pixels.
    #[arg(long, value_name = "PIXELS")]
    pub(crate) module_size: Option<u8>,
    /// The key URI or the part of an export; `-` reads a line of standard input. With `--svg`, you can add a file to write.
    #[arg(value_name = "URI", required = true, num_args = 1..=2)]
    pub(crate) uri: Vec<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct QrOutput {
    /// Print SVG.
    #[arg(long)]
    pub(crate) svg: bool,
    /// Write a PNG file; `-` means standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
    /// Print text for a terminal.
    #[arg(long)]
    pub(crate) terminal: bool,
}

#[derive(Args)]
pub(crate) struct KeyUriArgs {
    /// Read one key URI per line of standard input, and print one JSON object per line.
    #[arg(long, conflicts_with_all = ["issuer", "issuer_prefix", "account", "secret", "algorithm", "digits", "period", "counter", "steam", "image"])]
    pub(crate) parse: bool,
    /// Repair faulty key URIs where possible, and list the repairs.
    #[arg(long, requires = "parse")]
    pub(crate) lenient: bool,
    /// The service.
    #[arg(long)]
    pub(crate) issuer: Option<String>,
    /// A name before the account that differs from the issuer.
    #[arg(long, value_name = "PREFIX", requires = "issuer")]
    pub(crate) issuer_prefix: Option<String>,
    /// The account at the service.
    #[arg(long, required_unless_present = "parse")]
    pub(crate) account: Option<String>,
    /// The secret in base32, as people type it; `-` reads a line of standard input.
    #[arg(long, value_name = "B32", required_unless_present = "parse")]
    pub(crate) secret: Option<String>,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    /// The https address of a logo.
    #[arg(long)]
    pub(crate) image: Option<String>,
}

#[derive(Args)]
pub(crate) struct MigrateArgs {
    /// Read key URIs, and print the parts of an export. Each part is the text of one QR code.
    #[arg(long)]
    pub(crate) encode: bool,
    /// The number that the parts of an export share. The default is random.
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "encode",
        allow_negative_numbers = true
    )]
    pub(crate) batch_id: Option<i32>,
    /// Refuse what the reader would otherwise repair or ignore with a note.
    #[arg(long, conflicts_with = "encode")]
    pub(crate) strict: bool,
    /// The exports or the key URIs. Without them the tool reads one per line of standard input.
    #[arg(value_name = "URI")]
    pub(crate) uris: Vec<String>,
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
