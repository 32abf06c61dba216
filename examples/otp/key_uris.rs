use crate::args::KeyUriArgs;
use crate::failure::{Failure, note};
use crate::lines::Lines;
use countersign::otp::Secret;
use countersign::uri::{KeyUri, KeyUriKind, LenientKeyUri, Repair};
use serde::Serialize;
use std::io::{self, Read, Write};

pub(crate) fn build(
    args: &KeyUriArgs,
    input: &mut Lines<impl Read>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let account = args.account.as_deref().unwrap_or_default();
    let secret = input.secret(args.secret.as_deref().unwrap_or_default())?;
    let parameters = &args.parameters;
    let mut builder = match parameters.counter {
        Some(counter) => KeyUri::hotp(&secret, account, counter),
        None if parameters.steam => KeyUri::steam(&secret, account),
        None => KeyUri::totp(&secret, account).period(parameters.period),
    }
    .algorithm(parameters.algorithm)
    .digits(parameters.digits);
    if let Some(issuer) = &args.issuer {
        builder = builder.issuer(issuer);
    }
    if let Some(prefix) = &args.issuer_prefix {
        builder = builder.issuer_prefix(prefix);
    }
    if let Some(image) = &args.image {
        builder = builder.image(image);
    }
    let uri = builder.build().map_err(Failure::usage)?;
    writeln!(out, "{}", uri.to_secret_text().expose())?;
    for advice in uri.advice() {
        note(&format!("note: {advice}"));
    }
    Ok(())
}

/// Reads one key URI per line, and writes one JSON object per line. If a key URI cannot be read,
/// the tool exits with 1 at the end.
pub(crate) fn parse(
    lenient: bool,
    input: &mut Lines<impl Read>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    input.answer(out, |line, out| {
        let read = match line {
            Ok(text) => read(text, lenient).map_err(|error| error.to_string()),
            Err(fault) => Err(fault.to_string()),
        };
        let ok = read.is_ok();
        match read {
            Ok(read) => write_json(out, &Entry::new(&read))?,
            Err(error) => write_json(out, &Unread { ok, error })?,
        }
        Ok(ok)
    })
}

fn read(text: &str, lenient: bool) -> Result<LenientKeyUri, countersign::uri::KeyUriError> {
    if lenient {
        return KeyUri::parse_lenient(text);
    }
    let uri = KeyUri::parse_with_minimum(text, 8)?;
    let bits = uri.secret().bits();
    let is_short = bits < Secret::MINIMUM_BITS;
    let repairs = is_short.then_some(Repair::SecretShort { bits });
    Ok(LenientKeyUri {
        uri,
        repairs: repairs.into_iter().collect(),
    })
}

fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Entry<'a> {
    ok: bool,
    r#type: &'static str,
    issuer: Option<&'a str>,
    /// Only if it differs from the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<&'a str>,
    account: &'a str,
    secret_hex: String,
    algorithm: &'static str,
    digits: u8,
    period: Option<u64>,
    counter: Option<u64>,
    repairs: Vec<String>,
}

#[derive(Serialize)]
struct Unread {
    ok: bool,
    error: String,
}

impl<'a> Entry<'a> {
    fn new(read: &'a LenientKeyUri) -> Self {
        let uri = &read.uri;
        let digits = uri.digits().get();
        let (r#type, digits, period, counter) = match uri.kind() {
            KeyUriKind::Hotp { counter } => ("hotp", digits, None, Some(counter)),
            KeyUriKind::Totp { period } => ("totp", digits, Some(period.as_secs()), None),
            KeyUriKind::Steam => ("steam", 5, Some(30), None),
            _ => ("other", digits, None, None),
        };
        Self {
            ok: true,
            r#type,
            issuer: uri.issuer(),
            prefix: uri
                .issuer_prefix()
                .filter(|prefix| uri.issuer() != Some(*prefix)),
            account: uri.account(),
            secret_hex: data_encoding::HEXLOWER.encode(uri.secret().expose()),
            algorithm: uri.algorithm().name(),
            digits,
            period,
            counter,
            repairs: read.repairs.iter().map(ToString::to_string).collect(),
        }
    }
}
