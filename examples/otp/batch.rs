use crate::args::algorithm;
use crate::failure::Failure;
use crate::lines::Lines;
use countersign::Timestamp;
use countersign::otp::{Digits, Hotp, Passcode, Period, Secret, Totp};
use std::io::{Read, Write};

/// Reads `kind secret_base32 algorithm digits period_or_counter time` a line, with tabs between, and writes
/// the passcode or `error: ...` a line, in the same order. A line with an error is a no in the end.
pub(crate) fn run(input: &mut Lines<impl Read>, out: &mut impl Write) -> Result<(), Failure> {
    input.answer(out, |line, out| {
        let made = match line {
            Ok(text) => passcode(text),
            Err(fault) => Err(fault.to_string()),
        };
        match &made {
            Ok(passcode) => writeln!(out, "{}", passcode.expose())?,
            Err(error) => writeln!(out, "error: {error}")?,
        }
        Ok(made.is_ok())
    })
}

fn passcode(line: &str) -> Result<Passcode, String> {
    let mut fields = line.split('\t');
    let mut field = |name: &str| {
        fields
            .next()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| format!("the {name} is missing"))
    };
    let kind = field("kind")?;
    let is_totp = match kind {
        "totp" => true,
        "hotp" => false,
        _ => return Err("the kind is neither totp nor hotp".into()),
    };
    let secret = Secret::from_typed_base32_with_minimum(field("secret")?, 8).map_err(said)?;
    let algorithm = algorithm(field("algorithm")?).map_err(said)?;
    let digits = number("number of digits", field("number of digits")?)?;
    let digits = Digits::new(u8::try_from(digits).unwrap_or_default()).map_err(said)?;
    let passcode = if is_totp {
        let period = Period::from_secs(number("period", field("period")?)?).map_err(said)?;
        let at = Timestamp::from_unix(number("time", field("time")?)?);
        Totp::new(secret.expose(), algorithm, digits, period).generate(at)
    } else {
        let counter = number("counter", field("counter")?)?;
        // No passcode of a counter has a time; whatever stands there is passed over.
        let _ = fields.next();
        Hotp::new(secret.expose(), algorithm, digits).generate(counter)
    };
    match fields.next() {
        None => Ok(passcode),
        Some(_) => Err("the line has more than six fields".into()),
    }
}

/// A decimal number as it is written: digits only.
fn number(name: &str, text: &str) -> Result<u64, String> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_decimal.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("the {name} is not a decimal number below 2^64"))
}

fn said(error: impl ToString) -> String {
    error.to_string()
}
